package notify

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// AlertsSchema names the shape of a message's machine body.
const AlertsSchema = "wabawatch.alerts/1"

// The data types of attributes.
const (
	TypeString      = "String"
	TypeStringArray = "String.Array"
)

// Attribute is what a subscription's filter policy looks at.
type Attribute struct{ Type, Value string }

// SMSFilterPolicy is the filter policy of an SMS subscription: critical things only, when they
// begin, get worse or end; never reminders. It works on the attributes of a message. To be told
// of warnings too, add "warning" to severity.
const SMSFilterPolicy = `{"severity":["critical"],"event":["firing","escalated","resolved","passed","notice"]}`

// machineBody is what programs get.
type machineBody struct {
	Schema string          `json:"schema"`
	Alerts []quality.Alert `json:"alerts"`
}

// machine returns the body for programs, as JSON.
func machine(alerts []quality.Alert) (string, error) {
	body := machineBody{AlertsSchema, make([]quality.Alert, len(alerts))}
	for i, a := range alerts {
		body.Alerts[i] = a.Wire()
	}
	return encode(body)
}

// encode is JSON on one line. It does not escape < > &, which nobody here reads as markup.
func encode(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// attributes are those of one message. An attribute that no alert has a value for is left out,
// since SNS takes no empty ones.
func attributes(alerts []quality.Alert) (map[string]Attribute, error) {
	var events, rules, wabas, kinds, ids []string
	worst := quality.Info
	for _, a := range alerts {
		if a.Severity.Level() > worst.Level() {
			worst = a.Severity
		}
		events, rules, kinds = append(events, string(a.Event)), append(rules, a.Rule), append(kinds, string(a.SubjectKind))
		wabas, ids = append(wabas, deref(a.WABAID)), append(ids, a.SubjectID)
	}
	out := map[string]Attribute{
		"severity": {TypeString, string(worst)},
		// For SMS: alerts are no advertising. Ignored by all other protocols.
		"AWS.SNS.SMS.SMSType": {TypeString, "Transactional"},
	}
	for name, values := range map[string][]string{"event": events, "rule": rules, "waba_id": wabas, "subject_kind": kinds, "subject_id": ids} {
		slices.Sort(values)
		values = slices.DeleteFunc(slices.Compact(values), func(s string) bool { return s == "" })
		if len(values) == 0 {
			continue
		}
		list, err := encode(values)
		if err != nil {
			return nil, err
		}
		out[name] = Attribute{TypeStringArray, list}
	}
	return out, nil
}
