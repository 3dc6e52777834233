package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// noValue is what AWS::NoValue stands for: the property is not there.
type noValue struct{}

// evaluator resolves intrinsic functions.
type evaluator struct {
	t        *Template
	params   map[string]string
	pseudo   map[string]string
	physical func(id, attribute string) (string, error)
	open     []string // conditions being evaluated, against circles
}

// value resolves everything in v. Members whose value is AWS::NoValue are left out.
func (e *evaluator) value(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return e.list(v)
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				_, named := arg.(string)
				if f, ok := functions[name]; ok && (name != "Condition" || named) { // policies have a Condition of their own
					r, err := f(e, arg)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", name, err)
					}
					return r, nil
				}
				if strings.HasPrefix(name, "Fn::") {
					return nil, fmt.Errorf("%s is not known here", name)
				}
			}
		}
		return e.object(v)
	}
	return v, nil
}

func (e *evaluator) list(v []any) (any, error) {
	out := []any{}
	for i, x := range v {
		r, err := e.value(x)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		if _, absent := r.(noValue); !absent {
			out = append(out, r)
		}
	}
	return out, nil
}

func (e *evaluator) object(v map[string]any) (any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		r, err := e.value(v[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, absent := r.(noValue); !absent {
			out[name] = r
		}
	}
	return out, nil
}

// functions are the intrinsic functions by name.
var functions map[string]func(*evaluator, any) (any, error)

func init() { // in init, as the functions call value, which looks here
	functions = map[string]func(*evaluator, any) (any, error){
		"Ref":           (*evaluator).ref,
		"Fn::GetAtt":    (*evaluator).getAtt,
		"Fn::Sub":       (*evaluator).sub,
		"Fn::Join":      (*evaluator).join,
		"Fn::If":        (*evaluator).choose,
		"Fn::FindInMap": (*evaluator).findInMap,
		"Fn::Equals":    (*evaluator).equals,
		"Fn::Not":       (*evaluator).not,
		"Fn::And":       (*evaluator).and,
		"Fn::Or":        (*evaluator).or,
		"Condition":     (*evaluator).named,
	}
}

func (e *evaluator) ref(arg any) (any, error) {
	name, ok := arg.(string)
	if !ok {
		return nil, errors.New("wants a name")
	}
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if v, ok := e.pseudo[name]; ok {
		return v, nil
	}
	if v, ok := e.params[name]; ok {
		if strings.HasPrefix(e.t.Parameters[name].Type, "List") || e.t.Parameters[name].Type == "CommaDelimitedList" {
			return nil, fmt.Errorf("%s is a list, which is not known here", name)
		}
		return v, nil
	}
	return e.physical(name, "")
}

func (e *evaluator) getAtt(arg any) (any, error) {
	var id, attribute string
	switch arg := arg.(type) {
	case string:
		id, attribute, _ = strings.Cut(arg, ".")
	case []any:
		if len(arg) == 2 {
			id, _ = arg[0].(string)
			attribute, _ = arg[1].(string)
		}
	}
	if id == "" || attribute == "" {
		return nil, errors.New("wants a resource and an attribute")
	}
	return e.physical(id, attribute)
}

var placeholder = regexp.MustCompile(`\$\{[^}]*\}`)

func (e *evaluator) sub(arg any) (any, error) {
	text, own := arg, map[string]any{}
	if list, ok := arg.([]any); ok {
		if len(list) != 2 {
			return nil, errors.New("wants a text and variables")
		}
		text = list[0]
		own, _ = list[1].(map[string]any)
	}
	s, ok := text.(string)
	if !ok {
		return nil, errors.New("wants a text")
	}
	var problem error
	out := placeholder.ReplaceAllStringFunc(s, func(m string) string {
		name := m[2 : len(m)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		var v any
		var err error
		switch x, isOwn := own[name]; {
		case isOwn:
			v, err = e.value(x)
		case strings.Contains(name, ".") && !strings.HasPrefix(name, "AWS::"):
			v, err = e.getAtt(name)
		default:
			v, err = e.ref(name)
		}
		if err != nil {
			problem = errors.Join(problem, fmt.Errorf("%s: %w", m, err))
		}
		return scalar(v)
	})
	return out, problem
}

func (e *evaluator) join(arg any) (any, error) {
	args, _ := arg.([]any)
	if len(args) != 2 {
		return nil, errors.New("wants a separator and a list")
	}
	separator, _ := args[0].(string)
	v, err := e.value(args[1])
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("wants a list")
	}
	var parts []string
	for _, p := range list {
		parts = append(parts, scalar(p))
	}
	return strings.Join(parts, separator), nil
}

func (e *evaluator) choose(arg any) (any, error) {
	args, _ := arg.([]any)
	if len(args) != 3 {
		return nil, errors.New("wants a condition and two values")
	}
	yes, err := e.named(args[0])
	if err != nil {
		return nil, err
	}
	if yes == true {
		return e.value(args[1])
	}
	return e.value(args[2])
}

func (e *evaluator) findInMap(arg any) (any, error) {
	v, err := e.value(arg)
	if err != nil {
		return nil, err
	}
	keys, _ := v.([]any)
	if len(keys) != 3 {
		return nil, errors.New("wants a map and two keys")
	}
	found, ok := e.t.Mappings[scalar(keys[0])][scalar(keys[1])][scalar(keys[2])]
	if !ok {
		return nil, fmt.Errorf("nothing at %v", keys)
	}
	return found, nil
}

func (e *evaluator) equals(arg any) (any, error) {
	v, err := e.value(arg)
	if err != nil {
		return nil, err
	}
	pair, _ := v.([]any)
	if len(pair) != 2 {
		return nil, errors.New("wants two values")
	}
	return scalar(pair[0]) == scalar(pair[1]), nil
}

// truths resolves a list of conditions.
func (e *evaluator) truths(arg any, least, most int) ([]bool, error) {
	v, err := e.value(arg)
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	if len(list) < least || len(list) > most {
		return nil, fmt.Errorf("wants between %d and %d conditions", least, most)
	}
	var out []bool
	for _, x := range list {
		yes, ok := x.(bool)
		if !ok {
			return nil, fmt.Errorf("%v is no condition", x)
		}
		out = append(out, yes)
	}
	return out, nil
}

func (e *evaluator) not(arg any) (any, error) {
	list, err := e.truths(arg, 1, 1)
	return err == nil && !list[0], err
}

func (e *evaluator) and(arg any) (any, error) {
	list, err := e.truths(arg, 2, 10)
	return err == nil && !slices.Contains(list, false), err
}

func (e *evaluator) or(arg any) (any, error) {
	list, err := e.truths(arg, 2, 10)
	return err == nil && slices.Contains(list, true), err
}

// named resolves a condition by its name.
func (e *evaluator) named(arg any) (any, error) {
	name, _ := arg.(string)
	c, ok := e.t.Conditions[name]
	if !ok {
		return nil, fmt.Errorf("no condition %v", arg)
	}
	if slices.Contains(e.open, name) {
		return nil, fmt.Errorf("condition %s depends on itself", name)
	}
	e.open = append(e.open, name)
	defer func() { e.open = e.open[:len(e.open)-1] }()
	v, err := e.value(c)
	if err != nil {
		return nil, fmt.Errorf("condition %s: %w", name, err)
	}
	yes, ok := v.(bool)
	if !ok {
		return nil, fmt.Errorf("condition %s is %v", name, v)
	}
	return yes, nil
}
