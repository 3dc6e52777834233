//go:build verify

// Package verify runs the functions as they are deployed, not as they are tested: real bootstraps
// with the template's environment on a stack of other people's servers. Only tests are in it;
// the packages below it are what they are made of.
package verify

import (
	"testing"

	"github.com/wabawatch/wabawatch/verify/stack"
)

func TestMain(m *testing.M) { stack.Main(m) }
