package snstest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/notify/snstest"
)

const arn = "arn:aws:sns:eu-west-1:123456789012:alerts"

// publish sends a form with changes to a valid one; "-" takes a field away.
func publish(t *testing.T, changes map[string]string) (status int, body string) {
	t.Helper()
	form := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {arn}, "Subject": {"CRITICAL: it is"},
		"MessageStructure": {"json"}, "Message": {`{"default":"x","sms":"y"}`},
		"MessageAttributes.entry.1.Name":              {"event"},
		"MessageAttributes.entry.1.Value.DataType":    {"String.Array"},
		"MessageAttributes.entry.1.Value.StringValue": {`["firing"]`},
	}
	for k, v := range changes {
		if form.Set(k, v); v == "-" {
			form.Del(k)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	w := httptest.NewRecorder()
	snstest.New(arn).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestRefusesWhatSNSRefuses(t *testing.T) {
	if status, body := publish(t, nil); status != http.StatusOK {
		t.Fatalf("a good message: %d %s", status, body)
	}
	long := strings.Repeat("x", 262144)
	for name, tc := range map[string]struct {
		changes map[string]string
		code    string
	}{
		"subject of 100":             {map[string]string{"Subject": strings.Repeat("s", 100)}, "InvalidParameter"},
		"subject in two lines":       {map[string]string{"Subject": "a\nb"}, "InvalidParameter"},
		"subject not in ASCII":       {map[string]string{"Subject": "é"}, "InvalidParameter"},
		"empty subject":              {map[string]string{"Subject": ""}, "InvalidParameter"},
		"no message":                 {map[string]string{"Message": "-"}, "InvalidParameter"},
		"empty message":              {map[string]string{"Message": ""}, "InvalidParameter"},
		"no JSON":                    {map[string]string{"Message": "x"}, "InvalidParameter"},
		"JSON that goes on":          {map[string]string{"Message": `{"default":"x"} {}`}, "InvalidParameter"},
		"no default":                 {map[string]string{"Message": `{"sms":"y"}`}, "InvalidParameter"},
		"value that is no string":    {map[string]string{"Message": `{"default":"x","sms":1}`}, "InvalidParameter"},
		"key twice":                  {map[string]string{"Message": `{"default":"x","default":"y"}`}, "InvalidParameter"},
		"too long":                   {map[string]string{"Message": long, "MessageStructure": "-"}, "InvalidParameter"},
		"unknown structure":          {map[string]string{"MessageStructure": "xml"}, "InvalidParameter"},
		"unknown topic":              {map[string]string{"TopicArn": arn + "x"}, "NotFound"},
		"attribute without value":    {map[string]string{"MessageAttributes.entry.1.Value.StringValue": ""}, "ParameterValueInvalid"},
		"attribute that is no array": {map[string]string{"MessageAttributes.entry.1.Value.StringValue": "firing"}, "InvalidParameter"},
		"attribute of objects":       {map[string]string{"MessageAttributes.entry.1.Value.StringValue": `[{}]`}, "InvalidParameter"},
		"attribute of unknown type":  {map[string]string{"MessageAttributes.entry.1.Value.DataType": "List"}, "ParameterValueInvalid"},
		"attribute with a bad name":  {map[string]string{"MessageAttributes.entry.1.Name": "a b"}, "InvalidParameter"},
		"reserved attribute":         {map[string]string{"MessageAttributes.entry.1.Name": "AWS.Mine"}, "InvalidParameter"},
		"unknown action":             {map[string]string{"Action": "Subscribe"}, "InvalidAction"},
	} {
		if status, body := publish(t, tc.changes); status < 400 || !strings.Contains(body, "<Code>"+tc.code+"</Code>") {
			t.Errorf("%s: %d %s, want %s", name, status, body, tc.code)
		}
	}
}

func TestMatches(t *testing.T) {
	topic := snstest.New(arn)
	form := url.Values{
		"Action": {"Publish"}, "TopicArn": {arn}, "Message": {"x"},
		"MessageAttributes.entry.1.Name":              {"event"},
		"MessageAttributes.entry.1.Value.DataType":    {"String.Array"},
		"MessageAttributes.entry.1.Value.StringValue": {`["firing","reminder"]`},
		"MessageAttributes.entry.2.Name":              {"severity"},
		"MessageAttributes.entry.2.Value.DataType":    {"String"},
		"MessageAttributes.entry.2.Value.StringValue": {"critical"},
	}
	topic.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode())))
	m := topic.Accepted()[0]
	for policy, want := range map[string]bool{
		`{}`:                        true,
		`{"severity":["critical"]}`: true,
		`{"severity":["warning"]}`:  false,
		`{"severity":["critical"],"event":["firing","resolved"]}`: true,
		`{"severity":["critical"],"event":["resolved"]}`:          false,
		`{"rule":["number_quality"]}`:                             false,
	} {
		if got, err := m.Matches(policy); err != nil || got != want {
			t.Errorf("Matches(%s) = %v, %v; want %v", policy, got, err, want)
		}
	}
	if _, err := m.Matches("x"); err == nil {
		t.Error("Matches of no policy has no error")
	}
}
