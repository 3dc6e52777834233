package whatsapptest

import (
	"maps"
	"slices"
)

// Account is a simulated WhatsApp Business Account. Empty texts are not sent.
type Account struct {
	ID, Name     string
	PortfolioID  string
	ReviewStatus string
	Verification string
	Status       string
	// Limit is the messaging limit of its portfolio.
	Limit string
	// Health is what it may send; "" means AVAILABLE.
	Health Health
	// Shared: the portfolio has it from another business.
	Shared bool
	// Unsubscribed: the app does not get its webhooks. SubscribeFails: it cannot be changed.
	Unsubscribed, SubscribeFails bool
}

// Health is a simulated health_status.
type Health struct {
	CanSend string // "" means AVAILABLE
	// Code, Description and Solution explain BLOCKED; Info explains LIMITED.
	Code                        int
	Description, Solution, Info string
}

// Number is a simulated phone number. Empty texts are not sent.
type Number struct {
	ID      string
	Display string // "+1 202-555-0101"
	Name    string
	Rating  string
	Status  string
	// NameStatus, CodeVerification and Throughput are fields of those names.
	NameStatus, CodeVerification, Throughput string
	Official                                 bool
	Health                                   Health
	// Extra replaces or adds fields, of any JSON type; nil removes one.
	Extra map[string]any
}

// Template is a simulated message template. Empty texts are not sent.
type Template struct {
	ID, Name, Language string
	Status, Category   string
	CorrectCategory    string
	Score              string
	RejectedReason     string
	// Extra replaces or adds fields, of any JSON type; nil removes one.
	Extra map[string]any
}

type account struct {
	Account
	numbers   []Number
	templates []Template
}

var (
	accountFields = []string{
		"id", "name", "account_review_status", "business_verification_status", "status", "owner_business_info",
		"whatsapp_business_manager_messaging_limit", "health_status", "currency", "timezone_id",
	}
	numberFields = []string{
		"id", "display_phone_number", "verified_name", "quality_rating", "quality_score", "status", "name_status", "throughput",
		"code_verification_status", "is_official_business_account", "whatsapp_business_manager_messaging_limit",
		"messaging_limit_tier", "health_status", "account_mode", "platform_type",
	}
	templateFields = []string{
		"id", "name", "language", "status", "category", "correct_category", "previous_category", "quality_score",
		"rejected_reason", "components", "parameter_format",
	}
)

// SetAccount adds an account, or replaces what is known of it but its numbers and templates.
func (m *Meta) SetAccount(a Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.account(a.ID); old != nil {
		old.Account = a
		return
	}
	m.accounts = append(m.accounts, &account{Account: a})
}

// UpdateAccount changes an account; it does nothing if there is none.
func (m *Meta) UpdateAccount(wabaID string, change func(*Account)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.account(wabaID); a != nil {
		change(&a.Account)
	}
}

// RemoveAccount removes an account with all it has.
func (m *Meta) RemoveAccount(wabaID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounts = slices.DeleteFunc(m.accounts, func(a *account) bool { return a.ID == wabaID })
}

// SetNumber adds a number to an account, or replaces the one with its ID.
func (m *Meta) SetNumber(wabaID string, n Number) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.account(wabaID); a != nil {
		a.numbers = put(a.numbers, n, func(o Number) bool { return o.ID == n.ID })
	}
}

// UpdateNumber changes the number with an id, in whichever account it is.
func (m *Meta) UpdateNumber(phoneNumberID string, change func(*Number)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		for i := range a.numbers {
			if a.numbers[i].ID == phoneNumberID {
				change(&a.numbers[i])
			}
		}
	}
}

// RemoveNumber removes the number with an id.
func (m *Meta) RemoveNumber(phoneNumberID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		a.numbers = slices.DeleteFunc(a.numbers, func(n Number) bool { return n.ID == phoneNumberID })
	}
}

// SetTemplate adds a template to an account, or replaces the one with its ID.
func (m *Meta) SetTemplate(wabaID string, t Template) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.account(wabaID); a != nil {
		a.templates = put(a.templates, t, func(o Template) bool { return o.ID == t.ID })
	}
}

// UpdateTemplate changes the template with an id, in whichever account it is.
func (m *Meta) UpdateTemplate(templateID string, change func(*Template)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		for i := range a.templates {
			if a.templates[i].ID == templateID {
				change(&a.templates[i])
			}
		}
	}
}

// RemoveTemplate removes the template with an id.
func (m *Meta) RemoveTemplate(templateID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		a.templates = slices.DeleteFunc(a.templates, func(t Template) bool { return t.ID == templateID })
	}
}

func put[T any](list []T, v T, same func(T) bool) []T {
	if i := slices.IndexFunc(list, same); i >= 0 {
		list[i] = v
		return list
	}
	return append(list, v)
}

func (m *Meta) accountObject(a *account) object {
	o := object{
		"id": a.ID, "name": a.Name, "account_review_status": a.ReviewStatus, "business_verification_status": a.Verification,
		"status": a.Status, "whatsapp_business_manager_messaging_limit": a.Limit, "currency": "USD", "timezone_id": "1",
		"health_status": health(a.Health, m.entity("WABA", a.ID, a.Health)),
	}
	if a.PortfolioID != "" {
		o["owner_business_info"] = object{"id": a.PortfolioID, "name": a.Name}
	}
	return trim(o)
}

func (m *Meta) number(a *account, n Number) object {
	o := object{
		"id": n.ID, "display_phone_number": n.Display, "verified_name": n.Name, "quality_rating": n.Rating, "status": n.Status,
		"name_status": n.NameStatus, "code_verification_status": n.CodeVerification, "is_official_business_account": n.Official,
		"account_mode": "LIVE", "platform_type": "CLOUD_API",
		"whatsapp_business_manager_messaging_limit": a.Limit, "messaging_limit_tier": a.Limit,
		"health_status": health(worst(n.Health, a.Health), m.entity("PHONE_NUMBER", n.ID, n.Health), m.entity("WABA", a.ID, a.Health)),
	}
	if n.Rating != "" {
		o["quality_score"] = object{"score": n.Rating}
	}
	if n.Throughput != "" {
		o["throughput"] = object{"level": n.Throughput}
	}
	maps.Copy(o, n.Extra)
	return trim(o)
}

func (t Template) object() object {
	o := object{
		"id": t.ID, "name": t.Name, "language": t.Language, "status": t.Status, "category": t.Category,
		"correct_category": t.CorrectCategory, "rejected_reason": t.RejectedReason, "parameter_format": "POSITIONAL",
		"components": []any{object{"type": "BODY", "text": "Hi {{1}}, your order {{2}} is on its way."}},
	}
	if t.Score != "" {
		o["quality_score"] = object{"score": t.Score, "date": 1794621600}
	}
	maps.Copy(o, t.Extra)
	return trim(o)
}

// trim removes empty texts.
func trim(o object) object {
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil || v == "" })
	return o
}

func health(overall Health, entities ...object) object {
	all := []any{}
	for _, e := range entities {
		all = append(all, e)
	}
	return object{"can_send_message": canSend(overall), "entities": all}
}

func (m *Meta) entity(kind, id string, h Health) object {
	e := object{"entity_type": kind, "id": id, "can_send_message": canSend(h), "can_receive_call_sip": "BLOCKED"}
	if h.Info != "" {
		e["additional_info"] = []string{h.Info}
	}
	if h.Code != 0 {
		e["errors"] = []any{object{"error_code": h.Code, "error_description": h.Description, "possible_solution": h.Solution}}
	}
	return e
}

func canSend(h Health) string {
	if h.CanSend == "" {
		return "AVAILABLE"
	}
	return h.CanSend
}

// worst is the overall health: BLOCKED before LIMITED before AVAILABLE.
func worst(a, b Health) Health {
	rank := func(h Health) int { return slices.Index([]string{"AVAILABLE", "LIMITED", "BLOCKED"}, canSend(h)) }
	if rank(b) > rank(a) {
		return b
	}
	return a
}
