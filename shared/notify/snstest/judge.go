package snstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/notify"
)

// What SNS takes.
// Source: AWS, SNS Publish, message attributes, raw delivery; quotas, checked 2026-11.
const (
	maxBytes      = 262144
	maxSubject    = 100 // fewer than
	maxAttributes = 10  // more are dropped with the message where delivery is raw
	maxAttribute  = 256 // characters of a name
)

// judge reads a call of Publish as strictly as SNS, or more strictly where SNS would drop
// something in silence.
func judge(form url.Values, arn string) (Publication, *fault) {
	var p Publication
	if form.Get("TopicArn") != arn {
		return p, noTopic
	}
	p.Subject = form.Get("Subject")
	if form.Has("Subject") {
		if f := judgeSubject(p.Subject); f != nil {
			return p, f
		}
	}
	message := form.Get("Message")
	switch {
	case message == "":
		return p, invalid("Empty message")
	case !utf8.ValidString(message):
		return p, invalid("Message is no UTF-8")
	}
	switch form.Get("MessageStructure") {
	case "":
		p.Texts = map[string]string{"default": message}
	case "json":
		texts, err := structure(message)
		if err != nil {
			return p, invalid("Message Structure - %v", err)
		}
		p.Texts = texts
	default:
		return p, invalid("MessageStructure")
	}
	p.Bytes = len(message)
	var f *fault
	if p.Attributes, f = attributes(form); f != nil {
		return p, f
	}
	for name, a := range p.Attributes {
		p.Bytes += len(name) + len(a.Type) + len(a.Value)
	}
	if p.Bytes > maxBytes {
		return p, invalid("Message too long: %d bytes", p.Bytes)
	}
	return p, nil
}

func judgeSubject(s string) *fault {
	if s == "" || len(s) >= maxSubject {
		return invalid("Subject of %d characters", len(s))
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			return invalid("Subject has the character %U", r)
		}
	}
	if s[0] == ' ' {
		return invalid("Subject begins with a space")
	}
	return nil
}

// structure reads a message of structure json: an object of texts, each key once, with a
// default.
func structure(message string) (map[string]string, error) {
	d := json.NewDecoder(strings.NewReader(message))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("JSON message body failed to parse")
	}
	texts := map[string]string{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, errors.New("JSON message body failed to parse")
		}
		key := fmt.Sprint(k)
		if _, twice := texts[key]; twice {
			return nil, fmt.Errorf("the key %q is there twice", key)
		}
		v, err := d.Token()
		text, isText := v.(string)
		if err != nil || !isText {
			return nil, fmt.Errorf("the value of %q is no string", key)
		}
		texts[key] = text
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return nil, errors.New("JSON message body failed to parse")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JSON message body goes on after its end")
	}
	if texts["default"] == "" {
		//lint:ignore ST1005 SNS says it in these words
		return nil, errors.New("No default entry in JSON message body")
	}
	return texts, nil
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// reserved are the names that begin with AWS and mean something.
var reserved = []string{"AWS.SNS.SMS.SenderID", "AWS.SNS.SMS.MaxPrice", "AWS.SNS.SMS.SMSType", "AWS.MM.SMS.OriginationNumber", "AWS.MM.SMS.EntityId", "AWS.MM.SMS.TemplateId"}

func attributes(form url.Values) (map[string]notify.Attribute, *fault) {
	out := map[string]notify.Attribute{}
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if !form.Has(prefix + "Name") {
			break
		}
		name := form.Get(prefix + "Name")
		a := notify.Attribute{Type: form.Get(prefix + "Value.DataType"), Value: form.Get(prefix + "Value.StringValue")}
		if f := judgeAttribute(name, a); f != nil {
			return nil, f
		}
		if _, twice := out[name]; twice {
			return nil, invalid("the attribute %s is there twice", name)
		}
		out[name] = a
	}
	if len(out) > maxAttributes {
		return nil, invalid("%d attributes", len(out))
	}
	return out, nil
}

func judgeAttribute(name string, a notify.Attribute) *fault {
	low := strings.ToLower(name)
	switch {
	case len(name) > maxAttribute || !attributeName.MatchString(name) || strings.Trim(name, ".") != name || strings.Contains(name, ".."):
		return invalid("attribute name %q", name)
	case (strings.HasPrefix(low, "aws.") || strings.HasPrefix(low, "amazon.")) && !slices.Contains(reserved, name):
		return invalid("attribute name %q is reserved", name)
	case a.Value == "":
		return &fault{400, "ParameterValueInvalid", "The message attribute '" + name + "' must contain non-empty message attribute value"}
	case !utf8.ValidString(a.Value):
		return invalid("attribute %s is no UTF-8", name)
	}
	switch a.Type {
	case "String":
	case "String.Array":
		var list []any
		if err := json.Unmarshal([]byte(a.Value), &list); err != nil || !bytes.HasPrefix([]byte(a.Value), []byte("[")) {
			return invalid("attribute %s is no JSON array", name)
		}
		for _, v := range list {
			switch v.(type) {
			case map[string]any, []any:
				return invalid("attribute %s holds more than plain values", name)
			}
		}
	default:
		return &fault{400, "ParameterValueInvalid", "The message attribute '" + name + "' has an invalid message attribute type"}
	}
	return nil
}

// Matches reports whether a subscription with this filter policy on attributes would get the
// message. It knows policies that list exact strings.
func (p Publication) Matches(policy string) (bool, error) {
	var want map[string][]string
	if err := json.Unmarshal([]byte(policy), &want); err != nil {
		return false, fmt.Errorf("filter policy: %w", err)
	}
	for name, values := range want {
		a, ok := p.Attributes[name]
		if !ok {
			return false, nil
		}
		have := []string{a.Value}
		if a.Type == notify.TypeStringArray {
			have = nil
			if err := json.Unmarshal([]byte(a.Value), &have); err != nil {
				return false, fmt.Errorf("attribute %s: %w", name, err)
			}
		}
		if !slices.ContainsFunc(have, func(v string) bool { return slices.Contains(values, v) }) {
			return false, nil
		}
	}
	return true, nil
}
