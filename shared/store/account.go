package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wabawatch/wabawatch/shared/watch"
)

type accountBody struct {
	Version int           `json:"v"`
	Account watch.Account `json:"account"`
}

const accountVersion = 1

// Accounts implements watch.Store.
func (s *Store) Accounts(ctx context.Context) ([]watch.Account, error) {
	items, err := s.all(ctx, Query{PK: accountsPK})
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	var out []watch.Account
	for _, it := range items {
		a, err := decodeAccount(it)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b watch.Account) int { return strings.Compare(a.WABAID, b.WABAID) })
	return out, nil
}

func decodeAccount(it Item) (watch.Account, error) {
	var b accountBody
	if err := decode(it, &b); err != nil {
		return watch.Account{}, err
	}
	if b.Version > accountVersion {
		return watch.Account{}, &NewerError{it.Key, b.Version, accountVersion}
	}
	b.Account.Rev = it.Rev
	return b.Account, nil
}

// AccountRecord implements watch.Store.
func (s *Store) AccountRecord(ctx context.Context, wabaID string) (watch.Account, error) {
	items, err := s.table.Get(ctx, accountKey(wabaID))
	if err != nil {
		return watch.Account{}, fmt.Errorf("account %s: %w", wabaID, err)
	}
	if len(items) == 0 {
		return watch.Account{}, fmt.Errorf("account %s: %w", wabaID, watch.ErrNotFound)
	}
	return decodeAccount(items[0])
}

// PutAccount implements watch.Store.
func (s *Store) PutAccount(ctx context.Context, a watch.Account) error {
	cond := unchanged(a.Rev)
	a.Rev++
	body, err := json.Marshal(accountBody{accountVersion, a})
	if err != nil {
		return fmt.Errorf("encode account %s: %w", a.WABAID, err)
	}
	it := Item{Key: accountKey(a.WABAID), Rev: a.Rev, Body: string(body)}
	if err := s.table.Write(ctx, Action{Op: Put, Item: it, Cond: cond}); err != nil {
		return fmt.Errorf("store account %s: %w", a.WABAID, translate(err))
	}
	return nil
}

// ClaimPortfolio implements watch.Store.
func (s *Store) ClaimPortfolio(ctx context.Context, portfolioID, wabaID string) (string, error) {
	key := homeKey(portfolioID)
	body, err := json.Marshal(wabaID)
	if err != nil {
		return "", fmt.Errorf("encode home of portfolio %s: %w", portfolioID, err)
	}
	err = s.table.Write(ctx, Action{Op: Put, Item: Item{Key: key, Body: string(body)}, Cond: Cond{NotExists: true}})
	if err == nil {
		return wabaID, nil
	}
	if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrAmbiguous) {
		return "", fmt.Errorf("home of portfolio %s: %w", portfolioID, err)
	}
	items, err := s.table.Get(ctx, key)
	if err != nil {
		return "", fmt.Errorf("home of portfolio %s: %w", portfolioID, err)
	}
	if len(items) == 0 {
		return "", fmt.Errorf("home of portfolio %s: %w", portfolioID, watch.ErrConflict)
	}
	var home string
	return home, decode(items[0], &home)
}

// heartbeatEvery is how often the last webhook of an account is written down at most.
const heartbeatEvery = 5 * time.Minute

// Heartbeat implements watch.Store.
func (s *Store) Heartbeat(ctx context.Context, wabaID string, now time.Time) error {
	last, err := s.LastWebhook(ctx, wabaID)
	if err != nil || now.Sub(last) < heartbeatEvery {
		return err
	}
	body, err := json.Marshal(now.UTC())
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	// Whoever writes last is right enough.
	if err := s.table.Write(ctx, Action{Op: Put, Item: Item{Key: heartbeatKey(wabaID), Body: string(body)}}); err != nil && !errors.Is(err, ErrAmbiguous) && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("heartbeat of %s: %w", wabaID, err)
	}
	return nil
}

// LastWebhook returns when a webhook of an account last came, to 5 minutes; zero if none did.
func (s *Store) LastWebhook(ctx context.Context, wabaID string) (time.Time, error) {
	items, err := s.table.Get(ctx, heartbeatKey(wabaID))
	if err != nil || len(items) == 0 {
		return time.Time{}, err
	}
	var at time.Time
	return at, decode(items[0], &at)
}
