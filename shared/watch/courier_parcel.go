package watch

import (
	"cmp"
	"slices"

	"github.com/wabawatch/wabawatch/shared/quality"
)

type parcel struct {
	form  quality.Form
	items []sending
}

// sending is one alert as it goes out, and the records that it settles.
type sending struct {
	alert   quality.Alert
	records []Outgoing
}

// group makes parcels: a first look's summary, a digest of a burst, single alerts. Alerts of
// one incident stay in one group, in order. What a first look found and could not wait for its
// heading is an alert like others.
func (d *delivery) group(mine []Outgoing) []parcel {
	type key struct {
		account  string
		severity quality.Severity
		first    bool
	}
	worst := map[string]quality.Severity{}
	headed, firstLook := headings(mine), map[string]bool{}
	for _, o := range mine {
		if id := incident(o.Alert); o.Alert.Severity.Level() > worst[id].Level() {
			worst[id] = o.Alert.Severity
		}
		if o.Alert.FirstLook && headed[account(o.Alert)] {
			firstLook[incident(o.Alert)] = true
		}
	}
	groups := map[key][]sending{}
	var order []key
	for _, s := range d.sendings(mine) {
		a := s.alert
		k := key{account(a), worst[incident(a)], firstLook[incident(a)] || a.Rule == quality.RuleFirstLook}
		if k.first {
			k.severity = ""
		}
		if _, ok := groups[k]; !ok {
			order = append(order, k)
		}
		groups[k] = append(groups[k], s)
	}
	var out []parcel
	for _, k := range order {
		g := groups[k]
		switch {
		case k.first:
			slices.SortStableFunc(g, func(a, b sending) int { return cmp.Compare(heading(a.alert), heading(b.alert)) })
			out = append(out, parcel{quality.Summary, g})
		case len(g) > digestAbove:
			out = append(out, parcel{quality.Digest, g})
		default:
			for _, s := range g {
				out = append(out, parcel{quality.Single, []sending{s}})
			}
		}
	}
	return out
}

func heading(a quality.Alert) int {
	if a.Rule == quality.RuleFirstLook {
		return 0
	}
	return 1
}
