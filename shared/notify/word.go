package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// text is one alert in words.
type text struct {
	Tag     string // what is new about it; "" if it begins, or for a notice
	Short   string // the subject in a headline
	Head    string // what happened, without the subject
	What    string // one sentence: what, who, from what to what, since when
	Meaning string // what it means for the business
	Do      string // what to do next
}

// render puts an alert into words for one medium.
func (w Writer) render(a *quality.Alert, esc escape) text {
	f := w.facts(a, esc)
	v := f.values()
	fr, p := f.frame(), f.phrase()
	v["state"] = fill(p.State, v)
	what := fill(fr.What, v)
	v["until"], v["deadline"] = f.untilBriefly()
	head := fill(p.Head, v)
	if a.Repeated {
		what += f.c.Words.MayBeRepeated
		head += f.c.Words.RepeatedHead
	}
	if a.FirstLook {
		what += f.c.Words.MayBeOlder
	}
	return text{
		Tag: fr.Tag, Short: f.subject(true), Head: head,
		What: sentence(what), Meaning: sentence(fill(p.Meaning, v)), Do: sentence(fill(p.Do, v)),
	}
}

// frame is that of the event. What is closed without proof is not told as over.
func (f facts) frame() frame {
	if fr, ok := f.c.Closed[f.a.Event]; ok && f.closed() {
		return fr
	}
	if fr, ok := f.c.Events[f.a.Event]; ok {
		return fr
	}
	return f.c.Events[quality.Notice]
}

// phrase is what there is to say. Of what passed, what to do about it while it lasted would
// mislead: what follows its end is left.
func (f facts) phrase() phrase {
	held := strings.ToUpper(f.value())
	p, over := f.c.phraseOf(f.a.Rule, f.cases()), f.c.over(f.a.Rule, f.ending(), held+"/"+strings.ToUpper(f.to), held)
	switch {
	case f.a.Event == quality.Resolved:
		return over
	case f.a.Event != quality.Passed:
		return p
	case f.ending() == "":
		over.Meaning = join(f.c.Words.PassedMeaning, over.Meaning)
	default:
		p.Head += f.c.Words.FragmentThen
	}
	p.Meaning, p.Do = over.Meaning, over.Do
	return p
}

// Parked tells the people who look after the installation that an alert was given up.
func (w Writer) Parked(a quality.Alert) (subject, text string) {
	c := w.catalogue().Words
	return clip(ascii(c.ParkedSubject), maxSubject), fill(c.ParkedText, map[string]string{
		"id": clean(a.ID, maxCode), "rule": clean(a.Rule, maxCode), "event": clean(string(a.Event), maxCode), "severity": clean(string(a.Severity), maxCode),
	})
}

// labelled is a line of a list of facts.
func (w words) labelled(label, value string) string {
	return fill(w.Labelled, map[string]string{"label": label, "value": value})
}

// firstStep is a text up to its first stop, without it.
func firstStep(s string) string {
	for _, stop := range []string{". ", "; ", ": "} {
		s, _, _ = strings.Cut(s, stop)
	}
	return strings.TrimSuffix(s, ".")
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	s = string(unicode.ToUpper(r)) + s[n:]
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") && !strings.HasSuffix(s, "!") {
		s += "."
	}
	return s
}
