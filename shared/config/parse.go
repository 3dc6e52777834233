package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// environ is the environment, with over laid on it.
func environ(over map[string]string) map[string]string {
	vars := map[string]string{}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = strings.TrimSpace(v)
	}
	maps.Copy(vars, over)
	return vars
}

// parse reads a T out of variables.
func parse[T any](vars map[string]string) (T, error) {
	var t T
	err := env.ParseWithOptions(&t, env.Options{
		Environment: vars,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(v string) (any, error) { return ParseDuration(v) },
			reflect.TypeFor[time.Location](): location,
			reflect.TypeFor[bool]():          onOff,
		},
	})
	keys := variables(reflect.TypeFor[T]())
	problems, failed := explain(err, keys)
	for _, c := range checks(reflect.ValueOf(&t).Elem()) {
		if err := c.check(); err != nil && !failed[c.variable] {
			problems = append(problems, fmt.Errorf("%s %w", c.variable, err))
		}
	}
	return t, errors.Join(problems...)
}

// variables maps the names of T's fields, embedded ones included, to their variables.
func variables(t reflect.Type) map[string]string {
	keys := map[string]string{}
	for f := range t.Fields() {
		if f.Anonymous {
			maps.Copy(keys, variables(f.Type))
			continue
		}
		keys[f.Name], _, _ = strings.Cut(f.Tag.Get("env"), ",")
	}
	return keys
}

// explain turns the parser's errors into ours, and says which variables they are about.
func explain(err error, keys map[string]string) (problems []error, failed map[string]bool) {
	failed = map[string]bool{}
	if err == nil {
		return nil, failed
	}
	all := []error{err}
	if agg, ok := errors.AsType[env.AggregateError](err); ok {
		all = agg.Errors
	}
	for _, err := range all {
		variable := ""
		if e, ok := errors.AsType[env.VarIsNotSetError](err); ok {
			variable, err = e.Key, errors.New("is not set")
		} else if e, ok := errors.AsType[env.EmptyVarError](err); ok {
			variable, err = e.Key, errors.New("is not set")
		} else if e, ok := errors.AsType[env.ParseError](err); ok {
			variable, err = keys[e.Name], e.Err
		}
		if variable != "" {
			failed[variable] = true
			err = fmt.Errorf("%s %w", variable, err)
		}
		problems = append(problems, err)
	}
	return problems, failed
}

func location(v string) (any, error) {
	loc, err := time.LoadLocation(v)
	if err != nil || v == "Local" {
		return nil, fmt.Errorf("is %q, which is no time zone; write one like UTC or Europe/Paris", v)
	}
	return *loc, nil
}

func onOff(v string) (any, error) {
	switch strings.ToLower(v) {
	case "on", "true", "1", "yes":
		return true, nil
	case "off", "false", "0", "no":
		return false, nil
	}
	return nil, fmt.Errorf("is %q; write on or off", v)
}

// ParseDuration reads a span of time as Go writes it, and also in whole days: 5m, 1h30m, 400d.
func ParseDuration(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok && digits(days) && len(days) <= 5 {
		var n int64
		for _, c := range days {
			n = 10*n + int64(c-'0')
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("is %q, which is no span of time; write one like 5m, 12h or 400d", s)
	}
	return d, nil
}
