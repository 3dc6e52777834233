// Package template reads the CloudFormation template that SAM makes of template.yaml, resolves it
// with parameter values as CloudFormation would, and yields what a deployment consists of. So
// tests start the functions with the environment they are deployed with, and create the table
// and the subscriptions that are deployed, without any of it being written down a second time.
//
// It knows the functions and the resource types that template.yaml uses and refuses what it does
// not know. It deploys nothing.
package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Template is an expanded template.
type Template struct {
	Parameters map[string]Parameter
	Mappings   map[string]map[string]map[string]any
	Conditions map[string]any
	Rules      map[string]rule
	Resources  map[string]Resource
	Outputs    map[string]struct{ Value any }
}

// Parameter is what may be chosen at a deployment.
type Parameter struct {
	Type           string
	Default        any
	AllowedValues  []any
	AllowedPattern string
	MinValue       *json.Number
	MaxValue       *json.Number
	MaxLength      *json.Number
}

// Resource is a resource as written, unresolved.
type Resource struct {
	Type       string
	Condition  string
	Properties map[string]any
}

// rule is a condition on parameters that CloudFormation checks before it does anything.
type rule struct {
	RuleCondition any
	Assertions    []struct {
		Assert            any
		AssertDescription string
	}
}

// Read reads an expanded template from a file.
func Read(path string) (*Template, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads an expanded template.
func Parse(b []byte) (*Template, error) {
	var t Template
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&t); err != nil {
		return nil, err
	}
	if len(t.Resources) == 0 {
		return nil, fmt.Errorf("no resources")
	}
	return &t, nil
}
