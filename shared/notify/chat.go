package notify

import (
	"strings"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// What AWS's custom notification allows is not stated for every part; these are bounds within
// which Slack and Teams show it whole.
const (
	maxChatTitle = 250
	maxChatText  = 8000
	maxChatStep  = 350
	maxChatSteps = 10
	maxKeyword   = 75
	maxKeywords  = 10
	maxRelated   = 20
	// maxChatList leaves room in the text for what comes before and after the list.
	maxChatList = maxChatText - 1500
)

// customNotification is the shape that AWS's chat applications (Amazon Q Developer, formerly
// AWS Chatbot) show in Slack and Teams without code.
// Source: AWS, custom notifications in chat applications, checked 2026-11.
type customNotification struct {
	Version  string       `json:"version"`
	Source   string       `json:"source"`
	ID       string       `json:"id"`
	Content  chatContent  `json:"content"`
	Metadata chatMetadata `json:"metadata"`
}

type chatContent struct {
	TextType    string   `json:"textType"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	NextSteps   []string `json:"nextSteps,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
}

type chatMetadata struct {
	ThreadID          string            `json:"threadId"`
	Summary           string            `json:"summary"`
	EventType         string            `json:"eventType"`
	RelatedResources  []string          `json:"relatedResources,omitempty"`
	AdditionalContext map[string]string `json:"additionalContext"`
}

// chat is the message for chat applications; body is what programs get, which rides along.
func (b batch) chat(h heading, body string) (string, error) {
	c := b.w.catalogue().Words
	first := b.items[0].alert
	title := h.label + ": "
	if short := h.short(maxName, plain); short != "" {
		title += chatText(short) + ": "
	}
	n := customNotification{
		Version: "1.0", Source: "custom", ID: clean(first.ID, maxKeyword),
		Content: chatContent{TextType: "client-markdown", Title: quality.Clip(title+chatText(h.head), maxChatTitle)},
		Metadata: chatMetadata{
			ThreadID: clean(b.thread(), maxKeyword), Summary: quality.Clip(title+chatText(h.head), maxChatTitle), EventType: "wabawatch." + b.kind(),
			AdditionalContext: map[string]string{"alerts": body},
		},
	}
	var t strings.Builder
	t.WriteString(h.chat + "\n")
	if b.single() {
		it := b.items[0]
		t.WriteString("\n" + it.chat.Meaning + "\n")
		f := b.w.facts(&it.alert, chatText)
		for _, said := range f.metaSays() {
			t.WriteString("\n" + c.labelled(said[0], chatText(unlink(said[1]))) + "\n")
		}
	} else {
		t.WriteString("\n")
		for _, it := range b.told() {
			t.WriteString(b.w.chatLine(it))
		}
	}
	if b.w.PublicURL != "" {
		t.WriteString("\n" + c.labelled(c.Link, b.w.PublicURL) + "\n")
	}
	n.Content.Description = quality.Clip(strings.TrimSpace(t.String()), maxChatText)
	n.Content.NextSteps = b.steps()
	n.Content.Keywords = b.keywords()
	n.Metadata.RelatedResources = b.related()
	return encode(n)
}

// chatLine is one alert in a list.
func (w Writer) chatLine(it item) string {
	short := chatText(w.facts(&it.alert, plain).subject(true))
	return "- " + w.label(it.alert.Severity, it.chat.Tag) + ": " + short + ": " + it.chat.Head + "\n"
}

// thread keeps what belongs together together: an incident, or an account's digests.
func (b batch) thread() string {
	a := b.items[0].alert
	switch {
	case !b.single():
		return "wabawatch-" + b.kind() + "-" + deref(a.WABAID)
	case a.IncidentID != nil:
		return *a.IncidentID
	}
	return a.ID
}

// kind is the rule of a single alert, or the form.
func (b batch) kind() string {
	switch {
	case b.single():
		return clean(b.items[0].alert.Rule, maxKeyword)
	case b.form == quality.Summary:
		return string(quality.Summary)
	}
	return string(quality.Digest)
}

// steps are the sentences of the advice, each once.
func (b batch) steps() []string {
	var out []string
	for _, it := range b.told() {
		for s := range strings.SplitAfterSeq(it.chat.Do, ". ") {
			out = appendOnce(out, strings.TrimSpace(s), maxChatStep, maxChatSteps)
		}
	}
	return out
}

func (b batch) keywords() []string {
	var out []string
	for _, it := range b.items {
		for _, k := range []string{string(it.alert.Severity), it.alert.Rule, deref(it.alert.WABAID)} {
			out = appendOnce(out, chatText(clean(k, maxKeyword)), maxKeyword, maxKeywords)
		}
	}
	return out
}

func (b batch) related() []string {
	var out []string
	for _, it := range b.items {
		out = appendOnce(out, clean(string(it.alert.SubjectKind)+"/"+it.alert.SubjectID, maxKeyword), maxKeyword, maxRelated)
	}
	return out
}

// appendOnce adds s, clipped, unless it is empty, there already, or the list is full.
func appendOnce(list []string, s string, max, most int) []string {
	s = quality.Clip(s, max)
	if s == "" || len(list) >= most {
		return list
	}
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
