package template

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// values joins the defaults with what was chosen, and refuses what CloudFormation would refuse.
func (t *Template) values(chosen map[string]string, unchecked []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		v, ok := chosen[name]
		if !ok {
			if p.Default == nil {
				return nil, fmt.Errorf("parameter %s has no default and no value", name)
			}
			v = scalar(p.Default)
		}
		if !slices.Contains(unchecked, name) {
			if err := p.check(v); err != nil {
				return nil, fmt.Errorf("parameter %s: %w", name, err)
			}
		}
		out[name] = v
	}
	for name := range chosen {
		if _, ok := t.Parameters[name]; !ok {
			return nil, fmt.Errorf("the template has no parameter %s", name)
		}
	}
	return out, nil
}

func (p Parameter) check(v string) error {
	if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, func(a any) bool { return scalar(a) == v }) {
		return fmt.Errorf("%q is not one of %v", v, p.AllowedValues)
	}
	if p.AllowedPattern != "" {
		re, err := regexp.Compile("^(?:" + p.AllowedPattern + ")$")
		if err != nil {
			return err
		}
		if !re.MatchString(v) {
			return fmt.Errorf("%q is not like %s", v, p.AllowedPattern)
		}
	}
	if p.MaxLength != nil {
		if n, err := p.MaxLength.Int64(); err != nil || int64(utf8.RuneCountInString(v)) > n {
			return fmt.Errorf("more than %s characters", p.MaxLength)
		}
	}
	if p.Type == "Number" {
		return p.bounded(v)
	}
	return nil
}

func (p Parameter) bounded(v string) error {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", v)
	}
	for bound, broken := range map[*json.Number]func(limit float64) bool{
		p.MinValue: func(limit float64) bool { return n < limit },
		p.MaxValue: func(limit float64) bool { return n > limit },
	} {
		if bound == nil {
			continue
		}
		if limit, err := bound.Float64(); err != nil || broken(limit) {
			return fmt.Errorf("%s is beyond %s", v, bound)
		}
	}
	return nil
}

// scalar writes a value as CloudFormation does when it puts it into text.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}
