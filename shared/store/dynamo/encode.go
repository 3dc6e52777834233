package dynamo

import (
	"math"
	"strconv"
	"time"

	"github.com/wabawatch/wabawatch/shared/store"
)

// The functions below append what DynamoDB is sent, in its JSON.

// quote appends a string, which is UTF-8: all else was refused before. Records are JSON
// themselves, so that every few bytes one needs escaping; this is most of the work of a write.
func quote(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
	}
	return append(append(b, s[from:]...), '"')
}

// member appends the name of a member of an object, and a comma unless it is the first. It takes
// names of ours, in which nothing needs escaping.
func member(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(b, '"'), name...)
	return append(b, `":`...)
}

func appendText(b []byte, name, value string) []byte {
	b = append(member(b, name), `{"S":`...)
	return append(quote(b, value), '}')
}

func appendNumber(b []byte, name string, value int64) []byte {
	b = append(member(b, name), `{"N":"`...)
	return append(strconv.AppendInt(b, value, 10), `"}`...)
}

func appendKey(b []byte, k store.Key) []byte {
	b = appendText(append(b, '{'), store.AttrPK, k.PK)
	return append(appendText(b, store.AttrSK, k.SK), '}')
}

// appendItem leaves out what is zero, and with it the item out of the indexes.
func appendItem(b []byte, it store.Item) []byte {
	b = appendText(append(b, '{'), store.AttrPK, it.PK)
	b = appendText(b, store.AttrSK, it.SK)
	if it.Rev != 0 {
		b = appendNumber(b, store.AttrRev, it.Rev)
	}
	if !it.Expires.IsZero() {
		b = appendNumber(b, store.AttrExpires, it.Expires.Unix())
	}
	for _, a := range [...][2]string{
		{store.AttrTodoPK, it.Todo.PK}, {store.AttrTodoSK, it.Todo.SK}, {store.AttrViewPK, it.View.PK}, {store.AttrViewSK, it.View.SK}, {store.AttrBody, it.Body},
	} {
		if a[1] != "" {
			b = appendText(b, a[0], a[1])
		}
	}
	return append(b, '}')
}

// appendAction appends the members that describe an action, alone or in a transaction.
func appendAction(b []byte, table string, a store.Action, now time.Time) []byte {
	b = quote(member(b, "TableName"), table)
	if a.Op == store.Put {
		b = appendItem(member(b, "Item"), a.Item)
	} else {
		b = appendKey(member(b, "Key"), a.Item.Key)
	}
	return appendCondition(b, a, now)
}

// appendCondition names what its expression uses and no more, since DynamoDB refuses the rest.
func appendCondition(b []byte, a store.Action, now time.Time) []byte {
	c := a.Cond
	var parts []string
	if c.NotExists {
		parts = append(parts, notThere)
	}
	if c.Exists {
		parts = append(parts, there)
	}
	if c.Rev != 0 {
		parts = append(parts, revision)
	}
	expiry := len(parts) > 0
	if !expiry {
		if a.Op != store.Check {
			return b
		}
		parts = append(parts, always)
	}
	b = append(member(b, "ConditionExpression"), '"')
	for i, part := range parts {
		if i > 0 {
			b = append(b, " AND "...)
		}
		b = append(b, part...) // nothing in it needs escaping
	}
	b = append(b, '"')
	b = append(member(b, "ExpressionAttributeNames"), '{')
	if c.NotExists || c.Exists || !expiry {
		b = quote(member(b, "#pk"), store.AttrPK)
	}
	if c.Rev != 0 {
		b = quote(member(b, "#rev"), store.AttrRev)
	}
	if !expiry {
		return append(b, '}')
	}
	b = append(quote(member(b, "#expires"), store.AttrExpires), '}')
	b = appendNumber(append(member(b, "ExpressionAttributeValues"), '{'), ":now", now.Unix())
	if c.Rev != 0 {
		b = appendNumber(b, ":rev", c.Rev)
	}
	return append(b, '}')
}

// actionBytes is enough for an action in a transaction, its item's texts and numbers aside.
const actionBytes = 512

// transactionBytes estimates the length of a transaction, so that its buffer rarely grows.
func transactionBytes(actions []store.Action) int {
	n := actionBytes * len(actions)
	for _, a := range actions {
		n += store.ItemBytes(a.Item) + len(a.Item.Body)/4 // for quotation marks, which take two bytes
	}
	return n
}

func appendTransaction(b []byte, table, token string, actions []store.Action, now time.Time) []byte {
	b = quote(member(append(b, '{'), "ClientRequestToken"), token)
	b = append(member(b, "TransactItems"), '[')
	for i, a := range actions {
		if i > 0 {
			b = append(b, ',')
		}
		kind := "ConditionCheck"
		switch a.Op {
		case store.Put:
			kind = "Put"
		case store.Delete:
			kind = "Delete"
		}
		b = append(member(append(b, '{'), kind), '{')
		b = append(appendAction(b, table, a, now), "}}"...)
	}
	return append(b, "]}"...)
}

func appendBatchGet(b []byte, table string, keys []store.Key) []byte {
	b = append(member(append(b, '{'), "RequestItems"), '{')
	b = append(quote(b, table), `:{"ConsistentRead":true,"Keys":[`...)
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendKey(b, k)
	}
	return append(b, "]}}}"...)
}

// appendQuery begins after the attributes in start, which are those of cursorNames.
func appendQuery(b []byte, table string, q store.Query, start []string, now time.Time) []byte {
	key := indexKeys[q.Index]
	b = quote(member(append(b, '{'), "TableName"), table)
	if q.Index == store.Base {
		b = append(member(b, "ConsistentRead"), "true"...)
	} else {
		b = quote(member(b, "IndexName"), string(q.Index))
	}
	condition := "#pk = :pk"
	switch {
	case q.From != "" && q.To != "":
		condition += " AND #sk BETWEEN :from AND :to"
	case q.From != "":
		condition += " AND #sk >= :from"
	case q.To != "":
		condition += " AND #sk <= :to"
	}
	b = quote(member(b, "KeyConditionExpression"), condition)
	expiry := q.Index != store.Todo // which has keys only, and refuses to be asked for more
	if expiry {
		b = quote(member(b, "FilterExpression"), notExpired)
	}
	b = quote(member(append(member(b, "ExpressionAttributeNames"), '{'), "#pk"), key[0])
	if q.From != "" || q.To != "" {
		b = quote(member(b, "#sk"), key[1])
	}
	if expiry {
		b = quote(member(b, "#expires"), store.AttrExpires)
	}
	b = appendText(append(member(append(b, '}'), "ExpressionAttributeValues"), '{'), ":pk", q.PK)
	if q.From != "" {
		b = appendText(b, ":from", q.From)
	}
	if q.To != "" {
		b = appendText(b, ":to", q.To)
	}
	if expiry {
		b = appendNumber(b, ":now", now.Unix())
	}
	b = strconv.AppendBool(member(append(b, '}'), "ScanIndexForward"), !q.Backward)
	if q.Limit > 0 {
		b = strconv.AppendInt(member(b, "Limit"), int64(min(q.Limit, math.MaxInt32)), 10)
	}
	if start != nil {
		b = appendText(append(member(b, "ExclusiveStartKey"), '{'), key[0], q.PK)
		for i, name := range cursorNames(q.Index) {
			b = appendText(b, name, start[i])
		}
		b = append(b, '}')
	}
	return append(b, '}')
}
