package template

import (
	"fmt"
	"maps"
	"slices"
)

// Options say how a template is deployed.
type Options struct {
	// Stack is the name of the stack; resources are named after it. "" is wabawatch.
	Stack string
	// Parameters are the values that differ from the defaults.
	Parameters map[string]string
	// Unchecked are parameters whose value need not be one that CloudFormation would take: tests
	// want clocks to run faster than anyone should.
	Unchecked []string
	// Physical are names and attributes that are known better than invented: "Table" for what Ref
	// gives, "Table.StreamArn" for an attribute.
	Physical map[string]string
}

// Deployment is a template resolved with the values of its parameters. The maps go by logical id;
// what the conditions exclude is not in them.
type Deployment struct {
	Parameters    map[string]string
	Functions     map[string]Function
	Tables        map[string]Table
	Topics        map[string]Topic
	Queues        map[string]Queue
	Subscriptions map[string]Subscription
	Mappings      map[string]Mapping
	Schedules     map[string]Schedule
	Routes        []Route

	logical map[string]string
}

// LogicalID is the resource that a name or an ARN belongs to, "" if none of this deployment.
func (d *Deployment) LogicalID(physical string) string { return d.logical[physical] }

// Resolve resolves the template.
func (t *Template) Resolve(o Options) (*Deployment, error) {
	params, err := t.values(o.Parameters, o.Unchecked)
	if err != nil {
		return nil, err
	}
	if o.Stack == "" {
		o.Stack = "wabawatch"
	}
	n := &names{t: t, stack: o.Stack, own: o.Physical, back: map[string]string{}}
	e := &evaluator{t: t, params: params, physical: n.physical, pseudo: map[string]string{
		"AWS::Region": Region, "AWS::AccountId": Account, "AWS::Partition": "aws", "AWS::StackName": o.Stack, "AWS::URLSuffix": "amazonaws.com",
		"AWS::StackId": "arn:aws:cloudformation:" + Region + ":" + Account + ":stack/" + o.Stack + "/0",
	}}
	n.exist = e.exists
	if err := e.rules(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Conditions)) {
		if _, err := e.named(name); err != nil {
			return nil, err
		}
	}
	d := &Deployment{
		Parameters: params, Functions: map[string]Function{}, Tables: map[string]Table{}, Topics: map[string]Topic{}, Queues: map[string]Queue{},
		Subscriptions: map[string]Subscription{}, Mappings: map[string]Mapping{}, Schedules: map[string]Schedule{}, logical: n.back,
	}
	resolved := map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		there, err := e.exists(id)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		if resolved[id], err = e.value(t.Resources[id].Properties); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	b := builder{d: d, names: n, roles: map[string][]Statement{}}
	for _, k := range kinds {
		for _, id := range slices.Sorted(maps.Keys(resolved)) {
			if t.Resources[id].Type != k.name {
				continue
			}
			if err := k.add(&b, id, resolved[id]); err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
		}
	}
	return d, nil
}

// exists reports whether a resource is made under its condition.
func (e *evaluator) exists(id string) (bool, error) {
	c := e.t.Resources[id].Condition
	if c == "" {
		return true, nil
	}
	v, err := e.named(c)
	return v == true, err
}

// rules checks what the template demands of the parameters.
func (e *evaluator) rules() error {
	for _, name := range slices.Sorted(maps.Keys(e.t.Rules)) {
		r := e.t.Rules[name]
		if r.RuleCondition != nil {
			if on, err := e.value(r.RuleCondition); err != nil {
				return fmt.Errorf("rule %s: %w", name, err)
			} else if on != true {
				continue
			}
		}
		for _, a := range r.Assertions {
			if holds, err := e.value(a.Assert); err != nil {
				return fmt.Errorf("rule %s: %w", name, err)
			} else if holds != true {
				return fmt.Errorf("rule %s: %s", name, a.AssertDescription)
			}
		}
	}
	return nil
}
