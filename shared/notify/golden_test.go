package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wabawatch/wabawatch/shared/quality"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares got with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, d)
	}
}

// paris is a zone that needs no zone file.
var paris = time.FixedZone("CET", 3600)

// TestTexts shows every rule as people read it: subject, SMS and e-mail of each of its alerts.
func TestTexts(t *testing.T) {
	w := Writer{Zone: paris, PublicURL: "https://watch.example.com/"}
	for _, rule := range rules(t) {
		var all strings.Builder
		for _, a := range ofRule(rule) {
			m := compose(t, w, quality.Single, a)[0]
			fmt.Fprintf(&all, "----------------------------------------\nSubject: %s\nSMS: %s\n\n%s", m.Subject, m.SMS, m.Email)
		}
		golden(t, rule+".txt", all.String())
	}
}

// TestMessages shows parcels of every form with all that one message carries.
func TestMessages(t *testing.T) {
	red := polled(example(quality.RuleNumberQuality, quality.Firing, quality.Critical, "YELLOW", "RED"))
	banned := example(quality.RuleNumberStatus, quality.Firing, quality.Critical, "CONNECTED", "BANNED")
	banned.ID, banned.SubjectID, banned.SubjectName = "77aa.1", "12025550102", "Žluťoučký kůň"
	over := example(quality.RuleNumberQuality, quality.Resolved, quality.Critical, "RED", "GREEN")
	over.ID = "99bb.4"
	second := red
	second.ID, second.SubjectID, second.SubjectName = "88cc.1", "12025550103", "_Shop_ <b>*now*</b> https://evil.example"
	head := example(quality.RuleFirstLook, quality.Notice, quality.Critical, "", "", "incidents", "2")
	old := func(a quality.Alert) quality.Alert {
		a.FirstLook, a.NotBefore = true, nil
		return a
	}
	for name, p := range map[string]quality.Parcel{
		"single":  {Form: quality.Single, Alerts: []quality.Alert{red}},
		"hostile": {Form: quality.Single, Alerts: []quality.Alert{second}},
		"digest":  {Form: quality.Digest, Alerts: []quality.Alert{red, banned, over, second}},
		"summary": {Form: quality.Summary, Alerts: []quality.Alert{head, old(red), old(banned)}},
		"test":    {Form: quality.TestForm, Alerts: []quality.Alert{quality.TestAlert(at, "test-1")}},
	} {
		m := compose(t, Writer{Zone: paris, PublicURL: "https://watch.example.com/"}, p.Form, p.Alerts...)[0]
		golden(t, "message_"+name+".txt", fmt.Sprintf("Subject: %s\nSMS: %s\n\n%s\n-- attributes\n%s\n-- default\n%s\n-- https\n%s\n",
			m.Subject, m.SMS, m.Email, indented(t, must(encode(m.Attributes))), indented(t, m.Default), indented(t, m.HTTPS)))
	}
}

func TestLines(t *testing.T) {
	red := polled(example(quality.RuleNumberQuality, quality.Firing, quality.Critical, "YELLOW", "RED"))
	golden(t, "lines.txt", Writer{}.Lines(quality.Parcel{Form: quality.Single, Alerts: []quality.Alert{red}}))
}

func compose(t *testing.T, w Writer, form quality.Form, alerts ...quality.Alert) []Message {
	t.Helper()
	out, err := w.Compose(quality.Parcel{Form: form, Alerts: alerts})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

func indented(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return b.String()
}
