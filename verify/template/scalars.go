package template

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// texts is a text or a list of them, number and flag are what CloudFormation also takes as text.
type (
	texts  []string
	number int
	flag   bool
	text   string
)

func (t *texts) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		*t = texts{""}
		return json.Unmarshal(b, &(*t)[0])
	}
	return json.Unmarshal(b, (*[]string)(t))
}

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(strings.Trim(string(b), `"`))
	*n = number(v)
	return err
}

func (f *flag) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseBool(strings.Trim(string(b), `"`))
	*f = flag(v)
	return err
}

func (t *text) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	*t = text(b)
	return nil
}

func (n number) seconds() time.Duration { return time.Duration(n) * time.Second }
