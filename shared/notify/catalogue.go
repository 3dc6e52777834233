package notify

import (
	"maps"
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// catalogue is everything that is said in one language. Texts hold placeholders in braces;
// facts.values lists them. An entry that is missing in one language fails a test.
type catalogue struct {
	// Name is the language's own name for itself.
	Name string
	// Severities are the words a subject line begins with.
	Severities map[quality.Severity]string
	// Events say how a sentence and a headline about a state become news.
	Events map[quality.Event]frame
	// Subjects name what an alert is about.
	Subjects map[quality.Kind]naming
	// Rules hold what there is to say by rule id; "" is for a rule this version does not know.
	Rules map[string]ruleWords
	// Reasons are said of an incident that ended other than by a new value, by why it did.
	Reasons map[string]phrase
	// Whys are the same reasons as parts of sentences.
	Whys map[string]why
	// Closed are the frames of an end whose reason is no proof that the matter is over.
	Closed map[quality.Event]frame
	// Values are words for codes of Meta's; what is not listed is shown as it is.
	Values map[string]string
	// Words are the small ones: labels, fragments, headings.
	Words words
}

// frame makes an event of a state.
type frame struct {
	Tag  string // after the severity in a subject line; "" for none
	What string // the sentence; {state}, {since}, {ends}, {on}, {stretch}, {began}, {ended}, {lasted}, {topic}, {why}, {because}
}

// why is a reason to end an incident.
type why struct {
	Full  string // behind "because"
	Brief string // behind "then", in a headline
}

// naming names a kind of subject.
type naming struct {
	Label string // of the line in a list of facts
	Named string // in a sentence, with {name}, {id} and {waba}
	Bare  string // without a name
	Short string // in a headline
	// ShortBare is Short without a name.
	ShortBare string
}

// ruleWords is what there is to say about one rule.
type ruleWords struct {
	// Topic is what the rule is about, as in "the incident about ...".
	Topic string
	// Cases by what holds: a value, or a value and a detail after a slash; "" for all others.
	Cases map[string]phrase
	// Over is said when a new value ended it. Notices have none.
	Over phrase
	// Overs replace Over by the value that held, or by it and the new one after a slash.
	Overs map[string]phrase
	// Reasons replace those of the catalogue.
	Reasons map[string]phrase
}

// phrase is one state of affairs.
type phrase struct {
	// State is the sentence without its end, beginning with a capital. {is} and {has} become
	// past tense when it is over.
	State string
	// Head is the headline, without the subject.
	Head string
	// Meaning is what it means for the business, in whole sentences.
	Meaning string
	// Do is what to do next, in whole sentences.
	Do string
}

// words are the small words of a language.
type words struct {
	Months [12]string
	// Date is a day, of {day}, {month} and {year}.
	Date string
	// ShortDate is one without the year.
	ShortDate string
	// Present and past of the two verbs that states use.
	Is, Was, Has, Had string
	// Units of how long something has lasted, and what is said of less than a minute.
	Day, Hour, Minute, UnderMinute string
	// NotKnown stands for a fact that nobody told.
	NotKnown string
	// Since, SinceBetween, FirstSeen and AsOf say how long a state has been so, On and
	// OnBetween when a fact was, Stretch from when until when one that is over was so.
	Since, SinceBetween, FirstSeen, AsOf, On, OnBetween, Stretch, And string
	// Fragments are parts of sentences that appear when their fact is known.
	FragmentWas, FragmentNow, FragmentOld, FragmentInstead, FragmentWish, FragmentUntil, FragmentEnds, FragmentNoEnd, FragmentReason, FragmentCount, FragmentEffective, FragmentLimit, FragmentBecause, FragmentThen string
	// NumberOf names a phone number of the account {subject} by its id {number}, OfNumber is that
	// behind a word of a headline; SomeNumberOf and OfSomeNumber are about one that is not named.
	NumberOf, OfNumber, SomeNumberOf, OfSomeNumber string
	// PassedMeaning is said first of what a new value ended before it could be told.
	PassedMeaning string
	// ClosedStretch is from when until when an incident was open that was closed without proof.
	ClosedStretch string
	// PastEnd is said of an {until} that has passed although the fact lasts.
	PastEnd string
	// OutOfUse stands for what has become of a subject, where nobody said.
	OutOfUse string
	// MayBeOlder and MayBeRepeated are put behind a sentence, RepeatedHead behind a headline.
	MayBeOlder, MayBeRepeated, RepeatedHead string

	// Labelled joins a {label} and its {value}.
	Labelled string
	// Labels of facts.
	Severity, Event, Rule, Account, Change, SinceLabel, Until, Source, Reason, MetaSays, MetaAdvises, Codes, Scopes, Limit, Incident, Polls, By, Violation, Number, Concerns string
	// Sources say how we know, by source.
	Sources map[string]string
	// EventNames are the events in a list of facts.
	EventNames map[quality.Event]string
	// ClosedNames are those of an end that is no proof that the matter is over.
	ClosedNames map[quality.Event]string
	// Headings; ForAlerts is one for what several alerts of a list share, with {numbers}.
	Means, Do, Link, Happened, MeansAndDo, ForAlerts string
	// Tuning says where rules are set.
	Tuning string
	// ID and RevisionOf identify an alert at the end of a text, with {id}, {revision} and
	// {incident}; Repeat says what for.
	ID, RevisionOf, Repeat string

	// Digest and Summary head many alerts: {n}, {severity}, {subject}, {heads}; Part says which
	// of several messages this is, with {k} and {parts}.
	DigestHead, DigestWhat, SummaryHead, SummaryWhat counted
	SummaryMeaning, Part                             string
	// ParkedSubject and ParkedText tell operators of an alert that was given up: {id}, {rule},
	// {event} and {severity}.
	ParkedSubject, ParkedText string
	// Test labels a test, TestWhat is its first sentence.
	Test, TestWhat string
	// Several stands for the account where alerts concern several.
	Several string
}

// counted is a text with a number of things, {n}. English, French, Spanish and Portuguese all have
// one form for one of them and another for more; of none nothing is ever said.
type counted struct{ One, Other string }

func (c counted) of(n int) string {
	if n == 1 {
		return c.One
	}
	return c.Other
}

// union is all of parts.
func union(parts ...map[string]ruleWords) map[string]ruleWords {
	out := map[string]ruleWords{}
	for _, p := range parts {
		maps.Copy(out, p)
	}
	return out
}

// phraseOf finds the words of a case: the first of keys that is listed.
func (c *catalogue) phraseOf(rule string, keys []string) phrase {
	r, ok := c.Rules[rule]
	if !ok {
		r = c.Rules[""]
	}
	for _, k := range keys {
		if p, ok := r.Cases[k]; ok {
			return p
		}
	}
	return r.Cases[""]
}

// over finds the words for the end of an incident: those for its reason, or for the first of
// keys that is listed.
func (c *catalogue) over(rule, reason string, keys ...string) phrase {
	r, ok := c.Rules[rule]
	if !ok {
		r = c.Rules[""]
	}
	if p, ok := r.Reasons[reason]; ok {
		return p
	}
	if p, ok := c.Reasons[reason]; ok {
		return p
	}
	for _, k := range keys {
		if p, ok := r.Overs[k]; ok {
			return p
		}
	}
	if r.Over == (phrase{}) {
		return c.Rules[""].Over
	}
	return r.Over
}

// topic is what a rule is about.
func (c *catalogue) topic(rule string) string {
	r, ok := c.Rules[rule]
	if !ok {
		r = c.Rules[""]
	}
	return r.Topic
}

// word is the language's word for a code of Meta's, or the code itself.
func (c *catalogue) word(code string) string {
	if w, ok := c.Values[strings.ToUpper(strings.ReplaceAll(code, " ", "_"))]; ok {
		return w
	}
	return code
}

// fill puts values in the place of placeholders, in one pass: a value with braces stays as it is.
func fill(text string, values map[string]string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 {
			break
		}
		n := strings.IndexByte(text[i:], '}')
		if n < 0 {
			break
		}
		v, ok := values[text[i+1:i+n]]
		if !ok {
			v = text[i : i+n+1]
		}
		b.WriteString(text[:i] + v)
		text = text[i+n+1:]
	}
	return b.String() + text
}
