package whatsapp

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/wabawatch/wabawatch/shared/quality"
)

// healthStatus says whether a node may send. can_receive_call_sip, which may be BLOCKED while
// messages flow, is not read.
// Source: Meta, messaging health status, checked 2026-11.
type healthStatus struct {
	CanSendMessage jsontext.Value   `json:"can_send_message"`
	Entities       []jsontext.Value `json:"entities"`
}

type healthEntity struct {
	EntityType     jsontext.Value `json:"entity_type"`
	ID             jsontext.Value `json:"id"`
	CanSendMessage jsontext.Value `json:"can_send_message"`
	AdditionalInfo jsontext.Value `json:"additional_info"`
	Errors         jsontext.Value `json:"errors"`
}

type healthError struct {
	ErrorCode        jsontext.Value `json:"error_code"`
	ErrorDescription jsontext.Value `json:"error_description"`
	PossibleSolution jsontext.Value `json:"possible_solution"`
}

// healthField is what the nodes are asked for.
const healthField = "health_status"

var healthFields = []string{"id", "display_phone_number", "status", "account_mode", healthField}

// healthNode is a phone number or an account, with its health.
type healthNode struct {
	ID           jsontext.Value `json:"id"`
	HealthStatus jsontext.Value `json:"health_status"`
}

// health polls what the account and each of its numbers may send. A number whose health the
// list does not tell is asked by itself. A node that refuses has no value, which is a reading
// of its own; what is only temporary fails the poll.
func (v *visit) health(ctx context.Context, waba string) (quality.Sighting, error) {
	r := newReader(waba, healthFields)
	var lacking []string // ids of numbers
	list := listing{
		edge: "health", path: waba + "/phone_numbers", fields: healthFields, needed: 2,
		begin: func(asked []string) { r, lacking = newReader(waba, healthFields), nil },
		row: func(row jsontext.Value) {
			if id := r.healthOfNumber(row); id != "" {
				lacking = append(lacking, id)
			}
		},
	}
	_, err := v.list(ctx, list)
	if isCode(err, 1, 100) && !is(err, quality.FailMissing, quality.FailForbidden) {
		// Meta also answers so when a list with this field is too much for it.
		list.edge, list.fields = "health_bare", healthFields[:4]
		_, err = v.list(ctx, list)
	}
	at := v.at
	if err == nil {
		err = v.healthOfNodes(ctx, r, waba, lacking)
	}
	v.at = at
	var notTold []quality.Signal
	if !v.c.asks("health", healthField) && !v.c.asks("health_number", healthField) && !v.c.asks("health_account", healthField) {
		notTold = []quality.Signal{quality.CanSendMessage}
	}
	if !v.c.asks("health", healthField) && !v.c.asks("health_account", healthField) {
		r.refused(quality.Account, []quality.Signal{quality.CanSendMessage})
	}
	s := r.sighting(quality.Health, v, err)
	s.Without = notTold
	if err != nil {
		// Of a node that was not asked any more nothing is known, not even that it has no value.
		s.Subjects = slices.DeleteFunc(s.Subjects, func(see quality.Seeing) bool {
			_, told := see.Values[quality.CanSendMessage]
			return !told
		})
	}
	return s, err
}

// healthOfNodes asks the account, and the numbers that are lacking, each by itself.
func (v *visit) healthOfNodes(ctx context.Context, r *reader, waba string, lacking []string) error {
	for _, id := range append([]string{waba}, lacking...) {
		edge, see := "health_number", r.byNumberID(id)
		if id == waba {
			edge = "health_account"
			see, _ = r.seeing(quality.AccountSubject(waba))
		}
		if see == nil || !v.c.asks(edge, healthField) {
			continue
		}
		if err := v.exhausted(); err != nil {
			return err
		}
		var node healthNode
		_, _, err := v.node(ctx, edge, id, []string{"id", healthField}, 1, &node)
		switch {
		case err == nil:
			r.canSend(see, id, node.HealthStatus)
		case is(err, quality.FailTemporary, quality.FailThrottled, quality.FailToken):
			return err
		default:
			v.c.log.WarnContext(ctx, "health of one node refused", "waba", waba, "subject", see.Subject.String(), "err", err)
		}
	}
	return nil
}

// healthOfNumber reads one row, and returns the number's id if its health is not in it.
func (r *reader) healthOfNumber(row jsontext.Value) (lacking string) {
	see := r.identify(row, evidence(row))
	if see == nil {
		return ""
	}
	var node healthNode
	if json.Unmarshal(row, &node, tolerant) != nil {
		return ""
	}
	id := see.Refs[quality.RefPhoneNumberID]
	if absent(node.HealthStatus) {
		return id
	}
	r.canSend(see, id, node.HealthStatus)
	return ""
}

// byNumberID finds a number of the list by its id; nil if another row stands for it.
func (r *reader) byNumberID(id string) *quality.Seeing {
	i := slices.IndexFunc(r.subjects, func(s quality.Seeing) bool { return s.Refs[quality.RefPhoneNumberID] == id })
	if i < 0 {
		return nil
	}
	return &r.subjects[i]
}

// canSend reads the health of one node. Attributes tell whose fault it is: the node's own, if
// it is as bad as the whole, or else that of the account, the portfolio or the app above it.
func (r *reader) canSend(see *quality.Seeing, id string, v jsontext.Value) {
	raw := evidence(v)
	var h healthStatus
	if absent(v) {
		return
	}
	if v.Kind() != '{' || json.Unmarshal(v, &h, tolerant) != nil {
		r.novel("type:"+string(see.Subject.Kind)+"."+string(quality.CanSendMessage), raw)
		return
	}
	r.value(see, quality.CanSendMessage, healthField, h.CanSendMessage, "", raw)
	o, ok := see.Values[quality.CanSendMessage]
	if !ok || o.Value == "AVAILABLE" {
		return
	}
	o.Attrs = blame(h.Entities, id, o.Value)
	see.Values[quality.CanSendMessage] = o
}

// blame gathers what Meta says about the entities that are as bad as overall. It is sorted, so
// that the same fault reads the same from poll to poll.
func blame(entities []jsontext.Value, id, overall string) map[string]string {
	own, others := &fault{}, &fault{}
	for _, v := range entities {
		var e healthEntity
		if v.Kind() != '{' || json.Unmarshal(v, &e, tolerant) != nil {
			continue
		}
		can, _ := text(e.CanSendMessage)
		if can, _ = settle(quality.Account, quality.CanSendMessage, can); can != overall {
			continue
		}
		if got, _ := text(e.ID); got == id && id != "" {
			own.add(e)
		} else {
			others.add(e)
		}
	}
	if len(own.entities) > 0 {
		return own.attrs()
	}
	return others.attrs()
}

// fault is what Meta says about entities that may not send freely.
type fault struct{ entities, codes, descriptions, solutions []string }

func (f *fault) add(e healthEntity) {
	add := func(to *[]string, v jsontext.Value) {
		if s, ok := text(v); ok && s != "" && !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
	add(&f.entities, e.EntityType)
	if len(f.entities) == 0 {
		f.entities = []string{"ENTITY"}
	}
	var infos, errs []jsontext.Value
	if e.AdditionalInfo.Kind() == '"' {
		infos = []jsontext.Value{e.AdditionalInfo}
	} else if json.Unmarshal(e.AdditionalInfo, &infos, tolerant) != nil {
		infos = nil
	}
	for _, info := range infos {
		add(&f.descriptions, info)
	}
	if json.Unmarshal(e.Errors, &errs, tolerant) != nil {
		errs = nil
	}
	for _, v := range errs {
		var he healthError
		if v.Kind() == '{' && json.Unmarshal(v, &he, tolerant) == nil {
			add(&f.codes, he.ErrorCode)
			add(&f.descriptions, he.ErrorDescription)
			add(&f.solutions, he.PossibleSolution)
		}
	}
}

// attrs names all details, those that are empty too: what is true of a fault now takes the place of
// what was true of the one before, and a blocked number may be blocked for another reason.
func (f *fault) attrs() map[string]string {
	attrs := map[string]string{}
	for _, part := range []struct {
		name, separator string
		list            []string
	}{
		{quality.AttrEntity, ",", f.entities},
		{quality.AttrCodes, ",", f.codes},
		{quality.AttrDescription, " ", f.descriptions},
		{quality.AttrSolutions, " ", f.solutions},
	} {
		slices.Sort(part.list)
		attrs[part.name] = quality.Clip(strings.Join(part.list, part.separator), quality.MaxTextRunes)
	}
	return attrs
}
