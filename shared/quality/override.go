package quality

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// override is what configuration may say of one rule.
type override struct {
	Off           *bool           `json:"off"`
	For           json.RawMessage `json:"for"`
	KeepFiringFor json.RawMessage `json:"keep_firing_for"`
	Repeat        json.RawMessage `json:"repeat_interval"`
	Severity      json.RawMessage `json:"severity"`
}

// Override returns the rules as configuration changes them. text is a JSON object by rule id:
//
//	{"number_quality": {"keep_firing_for": "2h", "repeat_interval": {"critical": "1h", "warning": 0}},
//	 "template_status": {"severity": {"PAUSED": "critical"}, "for": "5m"},
//	 "number_name": {"off": true}}
//
// Durations are like "90s", "2h", "7d", or a number of seconds. severity and repeat_interval are one for
// all, or an object: by value, and by severity. A repeat_interval of 0 means never. "" changes
// nothing. The error names every mistake.
func (rs Rules) Override(text string) (Rules, error) {
	out := slices.Clone(rs)
	if strings.TrimSpace(text) == "" {
		return out, nil
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("not a JSON object by rule id: %w", err)
	}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(all)) {
		i := slices.IndexFunc(out, func(r Rule) bool { return r.ID == id })
		if i < 0 {
			errs = append(errs, fmt.Errorf("no rule %q; there are %s", id, strings.Join(out.ids(), ", ")))
			continue
		}
		var o override
		dec := json.NewDecoder(bytes.NewReader(all[id]))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&o); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
			continue
		}
		r, err := out[i].with(o)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
			continue
		}
		out[i] = r
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return out, nil
}

func (rs Rules) ids() []string {
	var out []string
	for _, r := range rs {
		out = append(out, r.ID)
	}
	return out
}

func (r Rule) with(o override) (Rule, error) {
	var errs []error
	if o.Off != nil {
		r.Off = *o.Off
	}
	if r.Notice != NoSeverity && len(o.For)+len(o.KeepFiringFor)+len(o.Repeat) > 0 {
		return r, errors.New("tells facts without an end: only off and severity apply to it")
	}
	least := Warning
	if r.Notice != NoSeverity {
		least = Info
	}
	for _, d := range []struct {
		name string
		in   json.RawMessage
		out  *time.Duration
	}{{"for", o.For, &r.For}, {"keep_firing_for", o.KeepFiringFor, &r.KeepFiringFor}} {
		if len(d.in) > 0 && string(d.in) != "null" {
			v, err := duration(strings.Trim(string(d.in), `"`))
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", d.name, err))
			}
			*d.out = v
		}
	}
	if len(o.Repeat) > 0 {
		by, err := oneOrBy(o.Repeat, []string{string(Warning), string(Critical)})
		if err != nil {
			errs = append(errs, fmt.Errorf("repeat_interval: %w", err))
		}
		r.Repeat = maps.Clone(r.Repeat)
		if r.Repeat == nil {
			r.Repeat = map[Severity]time.Duration{}
		}
		for sev, text := range by {
			v, err := duration(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("repeat_interval: %w", err))
			}
			if Severity(sev).Level() < Warning.Level() {
				errs = append(errs, fmt.Errorf("repeat_interval: %q is no severity of incidents; they are warning or critical", sev))
			}
			r.Repeat[Severity(sev)] = v
		}
	}
	if len(o.Severity) > 0 {
		by, err := oneOrBy(o.Severity, []string{"*"})
		if err != nil {
			errs = append(errs, fmt.Errorf("severity: %w", err))
		}
		r.Severity = map[string]Severity{}
		for value, text := range by {
			if value != strings.ToUpper(value) {
				errs = append(errs, fmt.Errorf("severity: %q is no value; they are spelled in capitals", value))
			}
			if text == "none" {
				text = ""
			} else if Severity(text).Level() < least.Level() {
				errs = append(errs, fmt.Errorf("severity: %q is no severity that this rule can have", text))
			}
			r.Severity[value] = Severity(text)
		}
	}
	return r, errors.Join(errs...)
}

// oneOrBy reads a string or number that stands for all keys, or an object of them.
func oneOrBy(raw json.RawMessage, keys []string) (map[string]string, error) {
	var by map[string]any
	if err := json.Unmarshal(raw, &by); err != nil {
		var one any
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		by = map[string]any{}
		for _, k := range keys {
			by[k] = one
		}
	}
	out := map[string]string{}
	for k, v := range by {
		switch v := v.(type) {
		case string:
			out[k] = v
		case float64:
			out[k] = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			return nil, fmt.Errorf("%q is neither text nor number", k)
		}
	}
	return out, nil
}

// maxDuration is more than anybody means, and far from what time.Duration holds.
const maxDuration = 3660 * 24 * time.Hour

// duration reads "90s", "2h", "7d", or a number of seconds.
func duration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	seconds := -1.0
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		seconds = n
	} else if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			seconds = float64(n) * (24 * time.Hour).Seconds()
		}
	} else if d, err := time.ParseDuration(s); err == nil {
		seconds = d.Seconds()
	}
	switch {
	case !(seconds >= 0): // nor NaN
		return 0, fmt.Errorf("%q is not a duration such as 90s, 2h or 7d", s)
	case seconds > maxDuration.Seconds():
		return 0, fmt.Errorf("%q is longer than 3660d", s)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
