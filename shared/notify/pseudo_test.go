package notify

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// pseudo is a catalogue in which every letter of every text is a q.
func pseudo() *catalogue {
	letters, places := regexp.MustCompile(`[A-Za-z]`), regexp.MustCompile(`\{[a-z_]+\}|[^{]+`)
	mask := func(s string) string {
		return places.ReplaceAllStringFunc(s, func(part string) string {
			if strings.HasPrefix(part, "{") {
				return part
			}
			return letters.ReplaceAllString(part, "q")
		})
	}
	var through func(v reflect.Value) reflect.Value
	through = func(v reflect.Value) reflect.Value {
		out := reflect.New(v.Type()).Elem()
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				out.Field(i).Set(through(v.Field(i)))
			}
		case reflect.Map:
			out.Set(reflect.MakeMap(v.Type()))
			for _, k := range v.MapKeys() {
				out.SetMapIndex(k, through(v.MapIndex(k)))
			}
		case reflect.Array:
			for i := range v.Len() {
				out.Index(i).Set(through(v.Index(i)))
			}
		case reflect.String:
			out.SetString(mask(v.String()))
		}
		return out
	}
	c := through(reflect.ValueOf(english)).Interface().(catalogue)
	return &c
}

// TestNothingIsSaidOutsideTheCatalogue: what a message says in words comes from the catalogue or
// from the alert, or a translation would be half English.
func TestNothingIsSaidOutsideTheCatalogue(t *testing.T) {
	catalogues["qq"] = pseudo()
	t.Cleanup(func() { delete(catalogues, "qq") })
	w := Writer{Language: "qq", Zone: paris}
	word := regexp.MustCompile(`[A-Za-z_]{2,}`)
	check := func(form quality.Form, alerts ...quality.Alert) {
		given := "wabawatch UTC CET whatsapp_business_management " + must(machine(alerts))
		for _, m := range compose(t, w, form, alerts...) {
			chat, _, _ := strings.Cut(m.HTTPS, `"nextSteps"`)
			_, chat, _ = strings.Cut(chat, `"title"`)
			for _, text := range []string{m.Subject, m.SMS, m.Email, strings.ReplaceAll(chat, `\n`, " ")} {
				for _, said := range word.FindAllString(text, -1) {
					if strings.Trim(said, "qQ_") != "" && !strings.Contains(given, said) && said != "description" {
						t.Errorf("%s %s says %q", alerts[0].Rule, alerts[0].Event, said)
					}
				}
			}
		}
	}
	for _, rule := range rules(t) {
		all := ofRule(rule)
		for _, a := range all {
			check(quality.Single, a)
		}
		check(quality.Digest, all...)
		check(quality.Summary, all...)
	}
	check(quality.TestForm, quality.TestAlert(at, "t"))
	subject, text := w.Parked(quality.TestAlert(at, "t"))
	for _, said := range word.FindAllString(subject+text, -1) {
		if strings.Trim(said, "qQ_") != "" && !strings.Contains("t critical notice watch_test", said) {
			t.Errorf("the word of a parked alert says %q", said)
		}
	}
}
