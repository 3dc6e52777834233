package whatsapp

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// The values of the token signal.
const (
	TokenValid        = "VALID"
	TokenInvalid      = "INVALID"
	TokenMissingScope = "MISSING_SCOPE"
)

// ScopeManagement is the permission that polls need, and webhooks other than messages.
const ScopeManagement = "whatsapp_business_management"

// TokenInfo is what Meta says about an access token.
type TokenInfo struct {
	AppID, Application, Type string
	Valid                    bool
	// ExpiresAt is UTC; zero for a token that never expires.
	ExpiresAt time.Time
	// Scopes are the permissions; ScopesKnown is false where Meta did not list them.
	Scopes      []string
	ScopesKnown bool
	// WABAIDs are the accounts that ScopeManagement is limited to; nil if it is not limited.
	WABAIDs []string
	// Code and Subcode say why the token is not valid; NoCode and 0 if Meta does not.
	Code, Subcode int
}

// debugToken is the answer of /debug_token.
// Source: Meta, debug_token reference: HTTP 200 for invalid tokens too, expires_at 0 for
// never, checked 2026-11.
type debugToken struct {
	AppID               jsontext.Value `json:"app_id"`
	Application         jsontext.Value `json:"application"`
	Type                jsontext.Value `json:"type"`
	IsValid             jsontext.Value `json:"is_valid"`
	ExpiresAt           jsontext.Value `json:"expires_at"`
	DataAccessExpiresAt jsontext.Value `json:"data_access_expires_at"`
	Scopes              jsontext.Value `json:"scopes"`
	GranularScopes      jsontext.Value `json:"granular_scopes"`
	Error               jsontext.Value `json:"error"`
}

// tokenReasons names the subcodes of an invalid token. Meta's sentences tell the current time
// and would be news at every poll.
// Source: Meta, Graph API error handling, checked 2026-11.
var tokenReasons = map[int]string{
	458: "APP_NOT_INSTALLED",
	459: "USER_CHECKPOINTED",
	460: "PASSWORD_CHANGED",
	463: "EXPIRED",
	464: "UNCONFIRMED_USER",
	467: "INVALIDATED",
}

// self polls our own token. That it is invalid is a sighting, not an error.
func (v *visit) self(ctx context.Context) (quality.Sighting, error) {
	r := newReader("", nil)
	see, _ := r.seeing(quality.DeploymentSubject())
	info, err := v.debugToken(ctx)
	if is(err, quality.FailForbidden, quality.FailMissing) || isCode(err, 100) {
		// The token may not ask about itself: that it is accepted at all must do.
		info = TokenInfo{Valid: true, Code: NoCode}
		err = v.get(ctx, "me", url.Values{"fields": {"id"}}, func(r io.Reader) error { return readNode(r, "", &struct{}{}) })
	}
	if e := tokenError(err); e != nil {
		info, err = TokenInfo{Code: e.Code, Subcode: e.Subcode}, nil
	}
	if err != nil {
		return quality.Sighting{Class: quality.Self, Usage: v.usage}, err
	}
	see.Values[quality.Token] = info.observed()
	return r.sighting(quality.Self, v, nil), nil
}

// tokenError is err if it says that the token is no good.
func tokenError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok && e.Failure() == quality.FailToken {
		return e
	}
	return nil
}

// observed is the value of the token signal.
func (t TokenInfo) observed() quality.Observed {
	o := quality.Observed{Value: TokenValid, Attrs: map[string]string{}}
	if !t.ExpiresAt.IsZero() {
		o.Attrs[quality.AttrUntil] = t.ExpiresAt.Format(time.RFC3339)
	}
	switch {
	case !t.Valid:
		o.Value = TokenInvalid
		if t.Code != NoCode {
			o.Attrs[quality.AttrCodes] = strconv.Itoa(t.Code)
		}
		if why := tokenReasons[t.Subcode]; why != "" {
			o.Attrs[quality.AttrReason] = why
		}
	case t.ScopesKnown && !slices.Contains(t.Scopes, ScopeManagement):
		o.Value = TokenMissingScope
		o.Attrs[quality.AttrScopes] = ScopeManagement
	case t.ExpiresAt.IsZero():
		// Said outright: attributes of one value add up, and the end of the token before would stand.
		o.Attrs[quality.AttrUntil] = "none"
	}
	return o
}

// debugToken asks about our own token. This is the one call that must name the token in its
// query, which therefore, like all queries, is never logged.
func (v *visit) debugToken(ctx context.Context) (TokenInfo, error) {
	var info TokenInfo
	err := v.get(ctx, "debug_token", url.Values{"input_token": {v.token}}, func(r io.Reader) (err error) {
		info, err = readToken(r)
		return err
	})
	return info, err
}

// readToken reads the answer of debug_token.
func readToken(r io.Reader) (TokenInfo, error) {
	var wire struct {
		Data jsontext.Value `json:"data"`
	}
	if err := readNode(r, "", &wire); err != nil {
		return TokenInfo{}, err
	}
	var d debugToken
	if wire.Data.Kind() != '{' || json.Unmarshal(wire.Data, &d, tolerant) != nil {
		return TokenInfo{}, malformed("the answer has no token data")
	}
	if k := d.IsValid.Kind(); k != 't' && k != 'f' {
		return TokenInfo{}, malformed("the answer does not say whether the token is valid")
	}
	info := TokenInfo{Valid: d.IsValid.Kind() == 't', Code: NoCode}
	info.AppID, _ = text(d.AppID)
	info.Application, _ = text(d.Application)
	info.Type, _ = text(d.Type)
	for _, v := range []jsontext.Value{d.DataAccessExpiresAt, d.ExpiresAt} {
		if s, ok := text(v); ok {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 && n < 1<<36 {
				info.ExpiresAt = time.Unix(n, 0).UTC()
			}
		}
	}
	info.Scopes, info.ScopesKnown = texts(d.Scopes)
	info.WABAIDs = targets(d.GranularScopes)
	if d.Error.Kind() == '{' {
		e := Error{Code: NoCode}
		e.read(d.Error, cleaner())
		info.Code, info.Subcode = e.Code, e.Subcode
	}
	return info, nil
}

// texts reads an array of strings; ok is false if v is none.
func texts(v jsontext.Value) (out []string, ok bool) {
	var all []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &all, tolerant) != nil {
		return nil, false
	}
	for _, v := range all {
		if s, ok := text(v); ok {
			out = append(out, s)
		}
	}
	return out, true
}

// targets are the accounts that the management scope is limited to.
func targets(v jsontext.Value) (wabaIDs []string) {
	var all []struct {
		Scope     jsontext.Value `json:"scope"`
		TargetIDs jsontext.Value `json:"target_ids"`
	}
	if v.Kind() != '[' || json.Unmarshal(v, &all, tolerant) != nil {
		return nil
	}
	for _, g := range all {
		if s, _ := text(g.Scope); s == ScopeManagement {
			ids, _ := texts(g.TargetIDs)
			return slices.DeleteFunc(ids, func(id string) bool { return !isID(id) })
		}
	}
	return nil
}
