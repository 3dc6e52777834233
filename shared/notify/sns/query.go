package sns

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"

	"github.com/wabawatch/wabawatch/shared/awscall"
)

// Service is SNS, in its query protocol: forms, answered in XML.
// Source: AWS, SNS API reference, making query requests, checked 2026-11.
var Service = awscall.Service{ID: "SNS", Name: "sns", ContentType: "application/x-www-form-urlencoded", Fault: fault}

// fault reads a refusal.
func fault(doc []byte) (code, message string) {
	err := texts(doc, func(path, text string) {
		switch path {
		case "ErrorResponse/Error/Code":
			code = text
		case "ErrorResponse/Error/Message":
			message = text
		}
	})
	if err != nil {
		return "", "" // it comes from something in between
	}
	return code, message
}

// form begins a request.
func (p *Publisher) form(action string) url.Values {
	return url.Values{"Action": {action}, "Version": {"2010-03-31"}, "TopicArn": {p.TopicARN}}
}

// do sends a form. It may arrive more than once: alerts have ids, and questions do no harm.
func (p *Publisher) do(ctx context.Context, form url.Values, read func([]byte) error) error {
	return p.Client.Do(ctx, awscall.Request{Operation: form.Get("Action"), Body: []byte(form.Encode()), Repeatable: true, Read: read})
}

// texts calls each for every text of an XML document that is whole, with the names of the
// elements around it, outermost first.
func texts(doc []byte, each func(path, text string)) error {
	d := xml.NewDecoder(bytes.NewReader(doc))
	var path []string
	var text strings.Builder
	begun := false
	for {
		t, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && begun:
			return nil
		case err != nil:
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if begun && len(path) == 0 {
				return errors.New("two documents in one")
			}
			path, begun = append(path, t.Name.Local), true
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			each(strings.Join(path, "/"), text.String())
			path = path[:len(path)-1]
			text.Reset()
		}
	}
}

// published makes sure that the answer to Publish is whole.
func published(doc []byte) error {
	id := ""
	err := texts(doc, func(path, text string) {
		if path == "PublishResponse/PublishResult/MessageId" {
			id = text
		}
	})
	if err == nil && id == "" {
		err = errors.New("no MessageId")
	}
	return err
}

// attribute reads one attribute out of an answer to GetTopicAttributes, "" if it is not there.
func attribute(doc []byte, name string) (value string, err error) {
	const entry = "GetTopicAttributesResponse/GetTopicAttributesResult/Attributes/entry"
	key := ""
	err = texts(doc, func(path, text string) {
		switch {
		case path == entry+"/key":
			key = text
		case path == entry+"/value" && key == name:
			value = text
		}
	})
	return value, err
}

// subscriptions reads a page of ListSubscriptionsByTopic; next is "" on the last.
func subscriptions(doc []byte) (arns []string, next string, err error) {
	const result = "ListSubscriptionsByTopicResponse/ListSubscriptionsByTopicResult"
	err = texts(doc, func(path, text string) {
		switch path {
		case result + "/Subscriptions/member/SubscriptionArn":
			arns = append(arns, text)
		case result + "/NextToken":
			next = text
		}
	})
	return arns, next, err
}
