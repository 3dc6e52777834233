// Package dynamo keeps the table of package store in Amazon DynamoDB. What the keys mean is
// documented there; the attributes have the names of its Attr constants. It creates nothing:
// the table comes from template.yaml, with its indexes "todo" and "view" and its stream.
//
// Two things differ from the table in a file. A Limit counts what DynamoDB looks at, so a page
// may hold fewer items, or none, and not be the last. And index "todo" does not know when items
// expire, so it may yield expired ones until DynamoDB deletes them, which may take days; whoever
// reads an item by its key does not find it.
//
// It speaks DynamoDB's JSON itself: five operations, and attributes that are only text and whole
// numbers. Requests are written straight into one buffer and answers read straight out of one,
// so that a change costs a small part of what it would cost by way of the SDK's types.
package dynamo

import (
	"time"

	"github.com/wabawatch/wabawatch/shared/awscall"
	"github.com/wabawatch/wabawatch/shared/store"
)

// Service is DynamoDB.
// Source: AWS, DynamoDB developer guide, low-level API, checked 2026-11.
var Service = awscall.Service{
	ID: "DynamoDB", Name: "dynamodb", ContentType: awscall.JSON10, Target: "DynamoDB_20120810", Fault: awscall.JSONFault,
}

// requestTimeout bounds one request with all its attempts.
const requestTimeout = 5 * time.Second

// Table is a store.Table in DynamoDB. It is safe for concurrent use.
type Table struct {
	client *awscall.Client
	name   string
	now    func() time.Time
}

var _ store.Table = (*Table)(nil)

// New returns the table of that name, over a client of Service. It asks DynamoDB nothing.
// Attempts are bounded by the client and all together by five seconds.
func New(client *awscall.Client, table string) *Table {
	return &Table{client: client, name: table, now: time.Now}
}
