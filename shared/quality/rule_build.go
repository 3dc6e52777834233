package quality

import (
	"slices"
	"time"
)

// level is a rule over one signal.
func level(id string, k Kind, sig Signal, ls levels) Rule {
	return Rule{
		ID: id, Kinds: []Kind{k}, Since: 1,
		Reads: func(s Signal) bool { return s == sig },
		Holds: func(r Rule, v View) []Finding {
			row, ok := v.Known(sig)
			if !ok {
				return nil
			}
			sev, _ := ls.of(row.Value)
			if sev = r.severity(row.Value, sev); sev == NoSeverity {
				return nil
			}
			return []Finding{{Severity: sev, Signal: sig, Row: row}}
		},
	}
}

// wrap changes what a rule finds, one finding at a time.
func (r Rule) wrap(f func(Rule, View, Finding) (Finding, bool)) Rule {
	holds := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		var out []Finding
		for _, found := range holds(r, v) {
			if found, ok := f(r, v, found); ok {
				out = append(out, found)
			}
		}
		return out
	}
	return r
}

// of makes a rule hold for another kind of subject as well.
func (r Rule) of(k Kind) Rule {
	r.Kinds = append(r.Kinds, k)
	return r
}

// keep makes a rule that was true go on firing for d after it became false.
func (r Rule) keep(d time.Duration) Rule {
	r.KeepFiringFor = d
	return r
}

// never stops reminders of single values.
func (r Rule) never(values ...string) Rule {
	return r.wrap(func(r Rule, _ View, f Finding) (Finding, bool) {
		if slices.Contains(values, f.Row.Value) {
			f.Silent = true
		}
		return f, true
	})
}

// orStatus makes a rule hold as well while the status is a value, which polls may still see of old
// accounts. That lasts until the status changes.
func (r Rule) orStatus(value string) Rule {
	reads, holds := r.Reads, r.Holds
	r.Reads = func(s Signal) bool { return s == Status || reads(s) }
	r.Holds = func(r Rule, v View) []Finding {
		if found := holds(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Status)
		if sev := r.severity(value, Critical); ok && row.Value == value && sev != NoSeverity {
			return []Finding{{Severity: sev, Signal: Status, Row: row}}
		}
		return nil
	}
	return r
}

// again tells a finding again when it is that old.
func (r Rule) again(ages ...time.Duration) Rule {
	return r.wrap(func(_ Rule, _ View, f Finding) (Finding, bool) {
		for _, d := range ages {
			f.Again = append(f.Again, f.Row.At.Add(d))
		}
		return f, true
	})
}

// pauseSlack is how long after its end a pause may be seen to have ended: the cadence of the polls
// of templates, and some.
const pauseSlack = 45 * time.Minute

// overdue tells a pause again that should be over and is not. One by pacing has no end.
func (r Rule) overdue() Rule {
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		d, ends := map[string]time.Duration{"FIRST_PAUSE": 3 * time.Hour, "SECOND_PAUSE": 6 * time.Hour}[f.Row.Attrs[AttrTitle]]
		if f.Row.Value == "PAUSED" && ends {
			until := parseTime(f.Row.Attrs[AttrUntil])
			if until.IsZero() {
				until = v.newest(f.Signal).Add(d)
			}
			f.Again = append(f.Again, until.Add(pauseSlack))
		}
		return f, true
	})
}

// ends makes a rule false d after the value began or, if the reason is that nobody repeats it,
// was last told.
func (r Rule) ends(d time.Duration, reason string) Rule {
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		from := f.Row.At
		if reason == ReasonNotRepeated {
			from = v.newest(f.Signal)
		}
		f.Until, f.UntilReason = from.Add(d), reason
		return f, v.At.Before(f.Until)
	})
}

// curedBy makes a rule false once a poll has seen value of sig after the finding was last told.
func (r Rule) curedBy(sig Signal, value string) Rule {
	reads := r.Reads
	r.Once, r.Cure = true, sig
	r.Reads = func(s Signal) bool { return s == sig || reads(s) }
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		seen, at, _ := v.Seen(sig)
		return f, !(seen == value && at.After(v.newest(f.Signal)))
	})
}

// untilHealthy makes a rule false once two polls after it was last told found the account
// healthy: it can be read, it was not rejected, and Meta lets it send. That proves nothing about
// values that only announce what will come, on a day that Meta gives in prose: they last for a month.
func (r Rule) untilHealthy(announcements ...string) Rule {
	reads := r.Reads
	r.Once = true
	r.Reads = func(s Signal) bool { return s == CanSendMessage || s == ReviewStatus || reads(s) }
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		if slices.Contains(announcements, f.Row.Value) {
			f.Announced, f.Until, f.UntilReason = true, v.heard(f.Signal).Add(announcedFor), ReasonNotRepeated
			return f, v.At.Before(f.Until)
		}
		send, _, sentBefore := v.Seen(CanSendMessage)
		review, _, _ := v.Seen(ReviewStatus)
		healthy := Known(send) && send != "BLOCKED" && review != "REJECTED" && sentBefore.After(v.newest(f.Signal))
		return f, !healthy
	})
}

// asked makes a rule false about what polls saw of an account, once nobody asks for polls any more.
func (r Rule) asked() Rule {
	reads := r.Reads
	r.Reads = func(s Signal) bool { return s == Poll || reads(s) }
	return r.wrap(func(_ Rule, v View, f Finding) (Finding, bool) {
		return f, f.Row.Track == Told || !v.unasked(f.Signal)
	})
}

// unseen gives values that no level names a severity of their own.
func (r Rule) unseen(sev Severity) Rule {
	holds := r.Holds
	r.Holds = func(r Rule, v View) []Finding {
		if found := holds(r, v); found != nil {
			return found
		}
		row, ok := v.Known(Status)
		if !ok {
			return nil
		}
		if _, listed := numberStatus.of(row.Value); listed {
			return nil
		}
		if sev := r.severity(row.Value, sev); sev != NoSeverity {
			return []Finding{{Severity: sev, Signal: Status, Row: row}}
		}
		return nil
	}
	return r
}

// part is one signal of a rule that reads several.
type part struct {
	signal Signal
	levels levels
	ends   time.Duration // 0: lasts
}

// either is a rule that holds while any of its parts does, as bad as the worst.
func either(id string, k Kind, parts ...part) Rule {
	rules := make([]Rule, len(parts))
	for i, p := range parts {
		rules[i] = level(id, k, p.signal, p.levels)
		if p.ends > 0 {
			rules[i] = rules[i].ends(p.ends, ReasonNotRepeated)
		}
	}
	return Rule{
		ID: id, Kinds: []Kind{k}, Since: 1,
		Reads: func(s Signal) bool {
			return slices.ContainsFunc(parts, func(p part) bool { return p.signal == s })
		},
		Holds: func(r Rule, v View) []Finding {
			var worst []Finding
			for _, part := range rules {
				part.Severity = r.Severity
				for _, f := range part.Holds(part, v) {
					if worst == nil || f.Severity.Level() > worst[0].Severity.Level() {
						worst = []Finding{f}
					}
				}
			}
			return worst
		},
	}
}
