// Package store keeps records: what an item of the table means, how its key is spelled, and
// which queries answer what the rest of wabawatch asks. It stands over Table, a narrow port
// with two implementations, store/dynamo and store/bolt. It decides nothing.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Limits of a table, those of DynamoDB; every implementation refuses what exceeds them.
const (
	MaxActions      = 100       // actions in one Write
	MaxWriteBytes   = 4 << 20   // all items of one Write
	MaxItemBytes    = 400 << 10 // one item, names of attributes included
	MaxPartitionKey = 2048      // bytes
	MaxSortKey      = 1024      // bytes
)

// Key is the primary key of an item. Both parts are non-empty UTF-8, ordered by bytes.
type Key struct{ PK, SK string }

// String is for logs and errors.
func (k Key) String() string { return k.PK + " / " + k.SK }

// Item is what the table stores. Everything but the key may be zero.
type Item struct {
	Key
	// Rev counts the writes of an item whose writers compare it; at least 1 if used.
	Rev int64
	// Expires is when the item becomes invisible, exactly, whole seconds; zero for never.
	Expires time.Time
	// Todo and View place the item in the index of that name; the zero Key leaves it out.
	Todo, View Key
	// Body is the record, JSON.
	Body string
}

// Index names one of the table's indexes, or the table itself.
type Index string

// The indexes. Both are sparse, and read eventually consistent: they may lag, repeat or miss.
const (
	Base Index = ""
	// Todo lists what is due. It yields keys only: Key and Todo are set, nothing else, and items
	// that expired may still be among them.
	Todo Index = "todo"
	// View lists what is shown across accounts. It yields whole items.
	View Index = "view"
)

// Op is what an action does.
type Op int

// The actions.
const (
	Put    Op = iota // write Item
	Delete           // remove the item at Item.Key, if there
	Check            // only the condition
)

// Cond is what must hold of the stored item for an action, and with it the whole Write, to
// happen. An item that expired but was not yet deleted does not exist.
type Cond struct {
	// NotExists demands that no item has the key.
	NotExists bool
	// Rev, if not zero, demands that the item exists with this Rev.
	Rev int64
	// Exists demands that an item has the key.
	Exists bool
}

// Action is one part of a Write.
type Action struct {
	Op   Op
	Item Item
	Cond Cond
}

// Query asks for the items of one partition, in the order of sort keys.
type Query struct {
	Index Index
	PK    string
	// From and To bound the sort key, both inclusive; "" leaves that side open.
	From, To string
	// Backward reads in descending order, beginning at To.
	Backward bool
	// Limit bounds the number of items of one answer; 0 leaves it to the table.
	Limit int
	// Cursor continues where the answer that held it ended. It is valid for the same query only.
	Cursor string
}

// Page is one answer to a Query. Next is "" on the last page; a page may be empty and not last.
type Page struct {
	Items []Item
	Next  string
}

// Errors of a Table. Everything else is an error of the medium, and nothing was written.
var (
	// ErrConflict: a condition did not hold, or another write was under way on the same item.
	// Nothing was written. Always wrapped in *ConflictError.
	ErrConflict = errors.New("conflict")
	// ErrAmbiguous: the answer was lost; the whole Write happened, or nothing of it did.
	ErrAmbiguous = errors.New("perhaps written")
	// ErrTooLarge: a limit above is exceeded. Nothing was written, and a retry is useless.
	ErrTooLarge = errors.New("too large")
)

// ConflictError says which actions of a Write stood in the way, in ascending order. Other
// actions would have been possible. errors.Is(err, ErrConflict) holds.
type ConflictError struct {
	Failed []int
	// Transient is set when some of them failed only because another write was under way: their
	// condition may well hold.
	Transient bool
}

func (e *ConflictError) Error() string { return fmt.Sprintf("conflict in actions %v", e.Failed) }

// Is makes every ConflictError an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// Table is an ordered table with transactions. It is safe for concurrent use.
//
// Base reads are strongly consistent: they see every Write that returned before they began.
// Items whose Expires has come are invisible to reads and to conditions.
type Table interface {
	// Get returns the items that exist among keys, in any order. keys may hold any number;
	// implementations split it. Duplicate keys are allowed.
	Get(ctx context.Context, keys ...Key) ([]Item, error)

	// Query returns one page.
	Query(ctx context.Context, q Query) (Page, error)

	// Write does all actions or none. No two actions may name one item. Errors are
	// *ConflictError, ErrAmbiguous, ErrTooLarge, or errors of the medium.
	Write(ctx context.Context, actions ...Action) error
}

// Item attribute names, as DynamoDB stores them; the template and the stream filter use them.
const (
	AttrPK      = "pk"
	AttrSK      = "sk"
	AttrRev     = "rev"
	AttrExpires = "expires"
	AttrTodoPK  = "todo_pk"
	AttrTodoSK  = "todo_sk"
	AttrViewPK  = "view_pk"
	AttrViewSK  = "view_sk"
	AttrBody    = "body"
)

// AlertPrefix begins the sort key of every alert item. The stream filter selects inserts by it.
const AlertPrefix = "ALERT#"
