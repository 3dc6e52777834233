// Package notify puts alerts into words: the sentences of an alert, and the messages of a
// parcel of them for e-mail, SMS, chat and machines. It sends nothing and knows no clock.
//
// A language is one catalogue. Words are made from an alert's facts alone, so the
// same alert always reads the same, and a stored one can be told again in another language.
//
// Everything a text takes from Meta or from people (names, reasons, explanations) is cleaned
// first: one line, no control, bidirectional or invisible characters. What other people choose
// freely, such as names, makes no link either.
package notify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Writer puts alerts into words. The zero value writes English, with times in UTC and no link.
// It is safe for concurrent use.
type Writer struct {
	// Language is the code of a catalogue, such as "en"; "" is English.
	Language string
	// Zone is shown beside UTC; nil or UTC shows UTC alone.
	Zone *time.Location
	// PublicURL is where the page is; "" leaves links out.
	PublicURL string
}

// catalogues are the languages there are, by code.
var catalogues = map[string]*catalogue{"en": &english}

// NewWriter returns a Writer. It refuses a language that has no catalogue, naming those there are.
func NewWriter(language string, zone *time.Location, publicURL string) (Writer, error) {
	code := strings.ToLower(strings.TrimSpace(language))
	if _, ok := catalogues[code]; !ok && code != "" {
		return Writer{}, fmt.Errorf("language %q: there are %s", language, strings.Join(Languages(), ", "))
	}
	return Writer{Language: code, Zone: zone, PublicURL: strings.TrimSpace(publicURL)}, nil
}

// Languages lists the codes of the languages there are.
func Languages() []string { return slices.Sorted(maps.Keys(catalogues)) }

// Word fills an alert's Summary and Advice. Summary is one sentence: what happened, to whom,
// from what to what, since when. Advice says what it means and what to do next.
func (w Writer) Word(a *quality.Alert) {
	t := w.render(a, plain)
	a.Summary, a.Advice = t.What, join(t.Meaning, t.Do)
}

func (w Writer) catalogue() *catalogue {
	if c, ok := catalogues[w.Language]; ok {
		return c
	}
	return &english
}

// join puts sentences one after the other.
func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}
