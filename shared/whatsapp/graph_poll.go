package whatsapp

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// Poll asks one class of one account; of class Self, which asks about our own token, wabaID
// plays no part. When a list breaks off it returns what it has, not Complete, together with
// the error: absence then says nothing.
func (c *Client) Poll(ctx context.Context, class quality.Class, wabaID string) (quality.Sighting, error) {
	v := c.visit()
	var s quality.Sighting
	var err error
	switch {
	case class == quality.Self:
		s, err = v.self(ctx)
	case !isID(wabaID):
		err = errBadID
	case class == quality.Numbers:
		s, err = v.numbers(ctx, wabaID)
	case class == quality.Templates:
		s, err = v.templates(ctx, wabaID)
	case class == quality.AccountOf:
		s, err = v.account(ctx, wabaID)
	case class == quality.Health:
		s, err = v.health(ctx, wabaID)
	default:
		err = malformed("no such class of poll")
	}
	return s, v.failed(err)
}

// NumberExists reports whether the node of a phone number can still be read. A permission
// that is missing is an error: it proves nothing.
func (c *Client) NumberExists(ctx context.Context, phoneNumberID string) (bool, error) {
	if !isID(phoneNumberID) {
		return false, c.visit().failed(errBadID)
	}
	v := c.visit()
	_, _, err := v.node(ctx, "exists", phoneNumberID, []string{"id"}, 1, &struct{}{})
	if is(err, quality.FailMissing) {
		return false, nil
	}
	return err == nil, v.failed(err)
}

// Discover lists the accounts that a business portfolio owns, and those that others share with
// it: ids in order, each once. With an error it returns what it could list.
// Source: Meta, owned_whatsapp_business_accounts and client_whatsapp_business_accounts, checked 2026-11.
func (c *Client) Discover(ctx context.Context, businessID string) ([]string, error) {
	v := c.visit()
	if !isID(businessID) {
		return nil, v.failed(errBadID)
	}
	var all []string
	var failed error
	for _, edge := range []string{"owned_whatsapp_business_accounts", "client_whatsapp_business_accounts"} {
		var ids []string
		_, err := v.list(ctx, listing{
			edge: edge, path: businessID + "/" + edge, fields: []string{"id"}, needed: 1,
			begin: func([]string) { ids = nil },
			row: func(row jsontext.Value) {
				if id := idOf(row); isID(id) {
					ids = append(ids, id)
				}
			},
		})
		all = append(all, ids...)
		failed = cmp.Or(failed, err)
		if is(err, quality.FailToken, quality.FailThrottled) {
			break
		}
	}
	slices.Sort(all)
	return slices.Compact(all), v.failed(failed)
}

// Name returns what an account is called; it may be empty.
func (c *Client) Name(ctx context.Context, wabaID string) (string, error) {
	v := c.visit()
	if !isID(wabaID) {
		return "", v.failed(errBadID)
	}
	var wire businessAccount
	if _, _, err := v.node(ctx, "name", wabaID, []string{"id", "name"}, 1, &wire); err != nil {
		return "", v.failed(err)
	}
	name, _ := text(wire.Name)
	return quality.Clip(name, quality.MaxTextRunes), nil
}

// DebugToken returns what Meta says about the client's own token.
func (c *Client) DebugToken(ctx context.Context) (TokenInfo, error) {
	v := c.visit()
	info, err := v.debugToken(ctx)
	return info, v.failed(err)
}

// App is an app that is subscribed to an account's webhooks.
type App struct {
	ID, Name string
	// OverrideURI is where this account's messages go instead of the app's callback URL. What
	// concerns quality, templates and accounts is not affected by it.
	OverrideURI string
}

// SubscribedApps lists the apps that get an account's webhooks; none is no error.
// Source: Meta, subscribed_apps of a WhatsApp Business Account, checked 2026-11.
func (c *Client) SubscribedApps(ctx context.Context, wabaID string) ([]App, error) {
	v := c.visit()
	if !isID(wabaID) {
		return nil, v.failed(errBadID)
	}
	var apps []App
	_, err := v.list(ctx, listing{
		edge: "subscribed_apps", path: wabaID + "/subscribed_apps",
		begin: func([]string) { apps = nil },
		row: func(row jsontext.Value) {
			if app, ok := readApp(row); ok {
				apps = append(apps, app)
			}
		},
	})
	return apps, v.failed(err)
}

// Subscribe subscribes the token's app to an account's webhooks. Doing it again is harmless,
// but takes away a callback URL of the account's own, if it has one.
func (c *Client) Subscribe(ctx context.Context, wabaID string) error {
	v := c.visit()
	if !isID(wabaID) {
		return v.failed(errBadID)
	}
	err := v.call(ctx, http.MethodPost, wabaID+"/subscribed_apps", url.Values{}, nil, func(r io.Reader) error {
		var wire struct {
			Success jsontext.Value `json:"success"`
		}
		if err := readNode(r, "", &wire); err != nil {
			return err
		}
		if said, _ := text(wire.Success); said != "true" { // examples have it as a boolean and as text
			return malformed("meta did not subscribe the app")
		}
		return nil
	})
	return v.failed(err)
}
