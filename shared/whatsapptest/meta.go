// Package whatsapptest simulates Meta: a Graph API with accounts whose state can be changed,
// pages, refusals and failures on demand, and a sender of signed webhooks. It is for tests and
// for the demonstration, and imitates only what wabawatch asks.
package whatsapptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Meta is the simulated Graph API. The zero value has no accounts and accepts any token. Its
// exported fields are set before first use; its methods are safe for concurrent use.
type Meta struct {
	// Token is the access token that is accepted; "" accepts any.
	Token string
	// Debug is what debug_token says about the token.
	Debug Debug
	// AppID and AppName name the app that calls.
	AppID, AppName string
	// PageSize caps the rows of a page below what the caller asks for; 0 does not.
	PageSize int
	// NextURL replaces where paging.next points, for callers that follow it; "" is graph's own.
	NextURL string
	// Now is the clock of the Date header; nil is the system's.
	Now func() time.Time

	mu       sync.Mutex
	accounts []*account
	script   []ErrorSpec
	refused  map[string]bool
	usage    [2]int // percent, minutes to regain access
	calls    map[string]int
	queries  []string
}

// Debug is what debug_token says. The zero value is a valid token that never expires, with the
// scopes that wabawatch needs.
type Debug struct {
	Invalid       bool
	Code, Subcode int // why it is not valid; 0 means 190
	ExpiresAt     time.Time
	Scopes        []string
	// Refused makes the call itself fail for lack of permission.
	Refused bool
}

// Canary stands where Meta puts the access token into paging.next. It must appear nowhere
// else: not in logs, errors, evidence or requests.
const Canary = "EAACANARYnextPageTokenThatNobodyMayKeep"

// ServeHTTP answers a Graph call.
func (m *Meta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	version, rest, _ := strings.Cut(path, "/")
	m.mu.Lock()
	if m.calls == nil {
		m.calls = map[string]int{}
	}
	m.calls[r.Method+" "+rest]++
	m.queries = append(m.queries, r.URL.RawQuery)
	spec, failing := m.scripted(rest)
	now, usage := m.Now, m.usage
	m.mu.Unlock()

	if now == nil {
		now = time.Now
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=UTF-8")
	h.Set("Date", now().UTC().Format(http.TimeFormat))
	h.Set("Facebook-Api-Version", version)
	if usage != [2]int{} {
		h.Set("X-App-Usage", fmt.Sprintf(`{"call_count":%d,"total_cputime":1,"total_time":2}`, min(usage[0], 3)))
		h.Set("X-Business-Use-Case-Usage", fmt.Sprintf(
			`{"118273645546372":[{"type":"whatsapp_business_management","call_count":%d,"total_cputime":1,"total_time":2,"estimated_time_to_regain_access":%d}]}`,
			usage[0], usage[1]))
	}
	if failing && spec.fail(w, r) {
		return
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); !ok || m.Token != "" && token != m.Token {
		invalidToken.write(w)
		return
	}
	body, refusal := m.answer(r, rest)
	switch {
	case refusal != nil:
		refusal.write(w)
	case failing && spec.CutBody:
		cutShort(w, body)
	default:
		_, _ = w.Write(encode(body))
	}
}

// answer finds what a path below the version stands for.
func (m *Meta) answer(r *http.Request, path string) (any, *ErrorSpec) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, edge, _ := strings.Cut(path, "/")
	q := r.URL.Query()
	switch {
	case path == "debug_token":
		return m.debugToken(q.Get("input_token"))
	case path == "me":
		return map[string]any{"id": "122105550000000001"}, nil
	case edge == "owned_whatsapp_business_accounts" || edge == "client_whatsapp_business_accounts":
		return m.portfolio(id, strings.HasPrefix(edge, "client"), r)
	case edge == "":
		return m.node(id, r)
	}
	a := m.account(id)
	if a == nil {
		return nil, missing(id)
	}
	switch edge {
	case "phone_numbers":
		var rows []object
		for _, n := range a.numbers {
			rows = append(rows, m.number(a, n))
		}
		return m.list(r, rows, numberFields)
	case "message_templates":
		var rows []object
		for _, t := range a.templates {
			rows = append(rows, t.object())
		}
		return m.list(r, rows, templateFields)
	case "subscribed_apps":
		return m.subscribedApps(a, r)
	}
	return nil, &ErrorSpec{Status: 400, Code: 2500, Message: "Unknown path components: /" + edge}
}

// node answers for a single account or number.
func (m *Meta) node(id string, r *http.Request) (any, *ErrorSpec) {
	if a := m.account(id); a != nil {
		return m.chosen(r, m.accountObject(a), accountFields, "WhatsAppBusinessAccount")
	}
	for _, a := range m.accounts {
		for _, n := range a.numbers {
			if n.ID == id {
				return m.chosen(r, m.number(a, n), numberFields, "WhatsAppBusinessPhoneNumber")
			}
		}
	}
	return nil, missing(id)
}

func (m *Meta) account(id string) *account {
	i := slices.IndexFunc(m.accounts, func(a *account) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return m.accounts[i]
}

func (m *Meta) portfolio(id string, shared bool, r *http.Request) (any, *ErrorSpec) {
	var rows []object
	for _, a := range m.accounts {
		if a.PortfolioID == id && a.Shared == shared {
			rows = append(rows, m.accountObject(a))
		}
	}
	return m.list(r, rows, accountFields)
}

func (m *Meta) subscribedApps(a *account, r *http.Request) (any, *ErrorSpec) {
	switch r.Method {
	case http.MethodPost:
		if a.SubscribeFails {
			return map[string]any{"success": false}, nil
		}
		a.Unsubscribed = false
		return map[string]any{"success": true}, nil
	case http.MethodDelete:
		a.Unsubscribed = true
		return map[string]any{"success": true}, nil
	}
	apps := []any{}
	if !a.Unsubscribed {
		apps = append(apps, map[string]any{"whatsapp_business_api_data": map[string]any{
			"id": m.AppID, "name": m.AppName, "link": "https://www.facebook.com/games/?app_id=" + m.AppID,
		}})
	}
	return map[string]any{"data": apps}, nil
}

func (m *Meta) debugToken(asked string) (any, *ErrorSpec) {
	d := m.Debug
	if d.Refused {
		return nil, &ErrorSpec{Status: 400, Code: 100, Message: "(#100) You must provide an app access token, or a user access token that is an owner or developer of the app"}
	}
	scopes := d.Scopes
	if scopes == nil {
		scopes = []string{"business_management", "whatsapp_business_management"}
	}
	data := object{"app_id": m.AppID, "type": "SYSTEM_USER", "application": m.AppName, "is_valid": true, "scopes": scopes, "expires_at": 0}
	if !d.ExpiresAt.IsZero() {
		data["expires_at"] = d.ExpiresAt.Unix()
	}
	if d.Invalid || m.Token != "" && asked != m.Token {
		data["is_valid"], data["scopes"] = false, []string{}
		code := d.Code
		if code == 0 {
			code = 190
		}
		data["error"] = object{"code": code, "subcode": d.Subcode, "message": "Error validating access token: Session has expired."}
	}
	return map[string]any{"data": data}, nil
}

// Calls returns how often a method and path below the version were called: "GET 123/phone_numbers".
func (m *Meta) Calls(methodAndPath string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[methodAndPath]
}

// TotalCalls returns how many calls came in all.
func (m *Meta) TotalCalls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queries)
}

// Queries returns the raw queries of all calls, in order.
func (m *Meta) Queries() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.queries)
}
