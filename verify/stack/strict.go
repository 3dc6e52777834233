package stack

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/wabawatch/wabawatch/shared/notify/snstest"
	"github.com/wabawatch/wabawatch/verify/filter"
)

// strictSNS starts a strict SNS with the template's topics, and returns its address.
func (s *Stack) strictSNS() string {
	s.Topics = map[string]*snstest.Topic{}
	byARN := map[string]*snstest.Topic{}
	for id, topic := range s.Deployment.Topics {
		s.Topics[id] = snstest.New(topic.ARN)
		byARN[topic.ARN] = s.Topics[id]
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body)) // a form that is none names no topic
		topic, ok := byARN[form.Get("TopicArn")]
		if !ok {
			topic = snstest.New("") // which knows no other
		}
		topic.ServeHTTP(w, r)
	}))
	s.t.Cleanup(server.Close)
	return server.URL
}

// receivedStrictly selects from what the topic accepted since the last call what the
// subscription's filter policy lets pass.
func (s *Stack) receivedStrictly(subscription string) []Message {
	s.t.Helper()
	sub, known := s.Deployment.Subscriptions[subscription]
	topic := AlertTopic
	switch {
	case known:
		topic = s.Deployment.LogicalID(sub.Topic)
	case subscription != Everything:
		s.t.Fatalf("there is no subscription %s", subscription)
	}
	var patterns []string
	if sub.FilterPolicy != nil {
		patterns = []string{string(sub.FilterPolicy)}
	}
	selected, err := filter.Compile(patterns...)
	if err != nil {
		s.t.Fatal(err)
	}
	var out []Message
	accepted := s.Topics[topic].Accepted()
	for _, p := range accepted[s.taken[subscription]:] {
		m := Message{ID: p.ID, Subject: p.Subject, Texts: p.Texts, Attributes: map[string]string{}}
		values := map[string]any{}
		for name, a := range p.Attributes {
			m.Attributes[name] = a.Value
			values[name] = a.Value
			var list []any
			if a.Type == "String.Array" && json.Unmarshal([]byte(a.Value), &list) == nil {
				values[name] = list
			}
		}
		event, err := json.Marshal(values)
		if err != nil {
			s.t.Fatal(err)
		}
		if passes, err := selected.Match(event); err != nil {
			s.t.Fatal(err)
		} else if passes {
			out = append(out, s.addressed(m, subscription))
		}
	}
	s.taken[subscription] = len(accepted)
	return out
}
