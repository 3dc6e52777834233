package dynamo

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/wabawatch/wabawatch/shared/store"
)

// attributes is an item, or a key, as DynamoDB has it.
type attributes = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func encodeKey(k store.Key) attributes {
	return attributes{store.AttrPK: text(k.PK), store.AttrSK: text(k.SK)}
}

// encode leaves out what is zero, and with it the item out of the indexes.
func encode(it store.Item) attributes {
	m := encodeKey(it.Key)
	if it.Rev != 0 {
		m[store.AttrRev] = number(it.Rev)
	}
	if !it.Expires.IsZero() {
		m[store.AttrExpires] = number(it.Expires.Unix())
	}
	for name, value := range map[string]string{
		store.AttrTodoPK: it.Todo.PK, store.AttrTodoSK: it.Todo.SK,
		store.AttrViewPK: it.View.PK, store.AttrViewSK: it.View.SK,
		store.AttrBody: it.Body,
	} {
		if value != "" {
			m[name] = text(value)
		}
	}
	return m
}

// decode takes attributes it does not know in its stride: a newer program may have written them.
func decode(m attributes) (store.Item, error) {
	d := decoder{from: m}
	it := store.Item{
		Key:  store.Key{PK: d.text(store.AttrPK), SK: d.text(store.AttrSK)},
		Todo: store.Key{PK: d.text(store.AttrTodoPK), SK: d.text(store.AttrTodoSK)},
		View: store.Key{PK: d.text(store.AttrViewPK), SK: d.text(store.AttrViewSK)},
		Body: d.text(store.AttrBody),
	}
	it.Rev, _ = d.number(store.AttrRev)
	if at, ok := d.number(store.AttrExpires); ok {
		it.Expires = time.Unix(at, 0).UTC()
	}
	if d.err != nil {
		return store.Item{}, fmt.Errorf("item %s: %w", it.Key, d.err)
	}
	return it, nil
}

// decoder reads the attributes of an item and keeps the first error.
type decoder struct {
	from attributes
	err  error
}

func (d *decoder) text(name string) string {
	switch v := d.from[name].(type) {
	case nil:
	case *types.AttributeValueMemberS:
		return v.Value
	default:
		d.fail(fmt.Errorf("%s is %T, not a string", name, v))
	}
	return ""
}

func (d *decoder) number(name string) (n int64, ok bool) {
	switch v := d.from[name].(type) {
	case nil:
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err == nil {
			return n, true
		}
		d.fail(fmt.Errorf("%s: %w", name, err))
	default:
		d.fail(fmt.Errorf("%s is %T, not a number", name, v))
	}
	return 0, false
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}
