package notify

import (
	"regexp"
	"strings"
	"sync"

	"github.com/wabawatch/wabawatch/shared/quality"
)

const (
	maxSubject = 99  // SNS takes fewer than 100 characters
	maxSeptets = 160 // of an SMS of one part
	minName    = 16  // what a name keeps when a headline is too long, if it has that much
)

// shortName returns the subject of a headline in an alphabet, with a name of at most that many
// characters of it: one letter may become several. What it is known by besides its name, such as
// the digits of a number, is never cut.
type shortName func(name int, alphabet func(string) string) string

// fit returns the subject with the longest name for which text is at most that long, and if there
// is none with the shortest.
func (s shortName) fit(alphabet func(string) string, text func(short string) int, most int) string {
	for n := maxName; n > minName; n-- {
		if short := s(n, alphabet); text(short) <= most {
			return short
		}
	}
	return s(minName, alphabet)
}

// headline puts "SEVERITY TAG: subject: head" into at most that many characters of ASCII. The name
// gives way first, then the head.
func headline(label string, name shortName, head string, most int) string {
	label, head = ascii(label)+": ", ascii(head)
	text := func(short string) string {
		if short == "" {
			return label + head
		}
		return label + short + ": " + head
	}
	return clip(text(name.fit(ascii, func(short string) int { return len(text(short)) }, most)), most)
}

// label is the beginning of a headline: how bad, and what is new about it.
func (w Writer) label(s quality.Severity, tag string) string {
	return join(w.severity(s), tag)
}

func (w Writer) severity(s quality.Severity) string {
	c := w.catalogue()
	if word, ok := c.Severities[s]; ok {
		return word
	}
	return c.Severities[quality.Info]
}

// short is the subject in a headline of ASCII. A name that cannot be spelled gives way to the id.
func (w Writer) short(a *quality.Alert) shortName {
	f := w.facts(a, plain)
	if !legible(ascii(f.subjectName(maxName))) {
		bare := *a
		bare.SubjectName = ""
		f = w.facts(&bare, plain)
	}
	return func(name int, alphabet func(string) string) string {
		f.maxName, f.alphabet = name, alphabet
		return alphabet(f.subject(true))
	}
}

// digits finds what may be somebody's phone number: seven digits or more, as people write them.
var digits = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\+?\(?[0-9](?:[ ()./\-]{0,2}[0-9]){6,}`)
})

// masked hides all but the last four digits of everything that may be a phone number.
func masked(s string) string {
	return digits().ReplaceAllStringFunc(s, func(m string) string {
		d := quality.Digits(m)
		return ".." + d[len(d)-4:]
	})
}

// sms is one part of GSM-7: headline and time, then what to do first, then the link, each of the
// two if there is room for all of it. For what to do the name gives way.
func (w Writer) sms(h heading) string {
	label, head, when, do := gsm7("wabawatch "+h.label+": "), masked(gsm7(h.sms)), gsm7(h.when), masked(gsm7(h.do))
	text := func(short, head string) string {
		t := label + head
		if short = masked(short); short != "" {
			t = label + short + ": " + head
		}
		if when != "" {
			t += " (" + when + ")"
		}
		return t
	}
	long := func(short string) int { return septetsOf(text(short, head)) }
	if do != "" {
		do = ". " + do
		if short := h.short.fit(gsm7, long, maxSeptets-septetsOf(do)); long(short)+septetsOf(do) <= maxSeptets {
			return w.linked(text(short, head) + do)
		}
	}
	short := h.short.fit(gsm7, long, maxSeptets)
	if over := long(short) - maxSeptets; over > 0 {
		head = clip(head, max(len([]rune(head))-over, 0))
	}
	return w.linked(clip(text(short, head), maxSeptets))
}

// linked adds the link to an SMS if there is room.
func (w Writer) linked(sms string) string {
	if link := w.PublicURL; link != "" && link == gsm7(link) && septetsOf(sms+" "+link) <= maxSeptets {
		return sms + " " + link
	}
	return sms
}

// clip cuts s to n characters, and shows that it did.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	if n < 4 {
		return string(r[:max(n, 0)])
	}
	return strings.TrimRight(string(r[:n-2]), " ,;:(-") + ".."
}
