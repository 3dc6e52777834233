package dynamo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/store"
)

// batchAnswer is an answer to BatchGetItem. foreign is an error if an item has attributes that
// are not ours: the answer is whole, and asking again would bring the same.
type batchAnswer struct {
	items       []store.Item
	unprocessed []store.Key
	foreign     error
}

// queryAnswer is an answer to Query; last is where it stopped, if there may be more.
type queryAnswer struct {
	items   []store.Item
	last    store.Item
	more    bool
	foreign error
}

func decodeBatch(b []byte, table string) (out batchAnswer, err error) {
	d := newDecoder(b)
	err = d.whole(func(name string) error {
		switch name {
		case "Responses":
			return d.only(table, func() error {
				return d.list(func() error {
					it, err := d.item()
					out.items = append(out.items, it)
					return err
				})
			})
		case "UnprocessedKeys":
			return d.only(table, func() error {
				return d.only("Keys", func() error {
					return d.list(func() error {
						it, err := d.item()
						out.unprocessed = append(out.unprocessed, it.Key)
						return err
					})
				})
			})
		}
		return d.SkipValue()
	})
	out.foreign = d.foreign
	return out, err
}

func decodeQuery(b []byte) (out queryAnswer, err error) {
	d := newDecoder(b)
	err = d.whole(func(name string) error {
		switch name {
		case "Items":
			return d.list(func() error {
				it, err := d.item()
				out.items = append(out.items, it)
				return err
			})
		case "LastEvaluatedKey":
			if d.PeekKind() == 'n' {
				break
			}
			out.last, err = d.item()
			out.more = out.last.PK != ""
			return err
		}
		return d.SkipValue()
	})
	out.foreign = d.foreign
	return out, err
}

// decodeReasons returns why each action of a cancelled transaction was refused, by code; "" for
// one that was not. What cannot be read has no reasons.
func decodeReasons(b []byte) (codes []string) {
	d := newDecoder(b)
	_ = d.whole(func(name string) error {
		if name != "CancellationReasons" {
			return d.SkipValue()
		}
		return d.list(func() error {
			code := ""
			err := d.object(func(name string) (err error) {
				if name == "Code" && d.PeekKind() == '"' {
					code, err = d.text()
					return err
				}
				return d.SkipValue()
			})
			codes = append(codes, code)
			return err
		})
	})
	return codes
}

// valid refuses an answer that is not one whole JSON object.
func valid(b []byte) error {
	d := newDecoder(b)
	return d.whole(func(string) error { return d.SkipValue() })
}

// decoder walks through an answer. Its methods fail where the answer is not what DynamoDB
// sends; an attribute of another type than ours is kept in foreign, the first one.
type decoder struct {
	*jsontext.Decoder
	foreign error
}

func newDecoder(b []byte) *decoder { return &decoder{Decoder: jsontext.NewDecoder(bytes.NewBuffer(b))} }

// whole walks through the one object there must be.
func (d *decoder) whole(each func(name string) error) error {
	if d.PeekKind() != '{' {
		_, err := d.ReadToken()
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("not a JSON object")
		}
		return err
	}
	if err := d.object(each); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("more after the JSON object")
	}
	return nil
}

// object has each read the value of every member; null has none.
func (d *decoder) object(each func(name string) error) error {
	if ok, err := d.begin('{'); !ok {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.text()
		if err != nil {
			return err
		}
		if err := each(name); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// only reads one member of an object and skips the others.
func (d *decoder) only(member string, read func() error) error {
	return d.object(func(name string) error {
		if name == member {
			return read()
		}
		return d.SkipValue()
	})
}

// list has each read every element; null has none.
func (d *decoder) list(each func() error) error {
	if ok, err := d.begin('['); !ok {
		return err
	}
	for d.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func (d *decoder) begin(kind jsontext.Kind) (bool, error) {
	t, err := d.ReadToken()
	switch {
	case err != nil:
		return false, err
	case t.Kind() == 'n':
		return false, nil
	case t.Kind() != kind:
		return false, fmt.Errorf("%s where %s should begin", t.Kind(), kind)
	}
	return true, nil
}

func (d *decoder) text() (string, error) {
	t, err := d.ReadToken()
	if err == nil && t.Kind() != '"' {
		err = fmt.Errorf("%s where a string should be", t.Kind())
	}
	if err != nil {
		return "", err
	}
	return t.String(), nil
}

// item takes attributes it does not know in its stride: a newer program may have written them.
func (d *decoder) item() (it store.Item, err error) {
	var foreign error
	err = d.object(func(name string) error {
		var into *string
		number := false
		switch name {
		case store.AttrPK:
			into = &it.PK
		case store.AttrSK:
			into = &it.SK
		case store.AttrTodoPK:
			into = &it.Todo.PK
		case store.AttrTodoSK:
			into = &it.Todo.SK
		case store.AttrViewPK:
			into = &it.View.PK
		case store.AttrViewSK:
			into = &it.View.SK
		case store.AttrBody:
			into = &it.Body
		case store.AttrRev, store.AttrExpires:
			number = true
		default:
			return d.SkipValue()
		}
		kind, value, err := d.attribute()
		switch {
		case err != nil:
			return err
		case into != nil && kind == "S":
			*into = value
		case number && kind == "N":
			n, err := strconv.ParseInt(value, 10, 64)
			switch {
			case err != nil:
				foreign = fmt.Errorf("%s: %w", name, err)
			case name == store.AttrRev:
				it.Rev = n
			default:
				it.Expires = time.Unix(n, 0).UTC()
			}
		default:
			foreign = fmt.Errorf("%s is of type %s", name, kind)
		}
		return nil
	})
	if foreign != nil && d.foreign == nil {
		d.foreign = fmt.Errorf("item %s: %w", it.Key, foreign)
	}
	return it, err
}

// attribute reads a value and its type, {"S":"value"}. Only of text and numbers it has a value.
func (d *decoder) attribute() (kind, value string, err error) {
	err = d.object(func(name string) (err error) {
		kind = name
		if name == "S" || name == "N" {
			value, err = d.text()
			return err
		}
		return d.SkipValue()
	})
	return kind, value, err
}
