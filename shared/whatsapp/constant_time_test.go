package whatsapp_test

import (
	"go/ast"
	goparser "go/parser"
	gotoken "go/token"
	"testing"
)

// TestMACsAreComparedInConstantTime reads the source: no clock could tell such a leak from noise.
func TestMACsAreComparedInConstantTime(t *testing.T) {
	set := gotoken.NewFileSet()
	f, err := goparser.ParseFile(set, "signature.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constant := 0
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if fun, ok := n.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == "Equal" {
				if pkg, ok := fun.X.(*ast.Ident); ok && pkg.Name == "hmac" {
					constant++
				} else {
					t.Errorf("%s compares by something else than hmac.Equal", set.Position(n.Pos()))
				}
			}
		case *ast.BinaryExpr:
			for _, side := range []ast.Expr{n.X, n.Y} {
				call, ok := side.(*ast.CallExpr)
				if !ok || n.Op != gotoken.EQL && n.Op != gotoken.NEQ {
					continue
				}
				if fun, ok := call.Fun.(*ast.Ident); ok && fun.Name == "string" {
					t.Errorf("%s compares bytes as text", set.Position(n.Pos()))
				}
			}
		}
		return true
	})
	if constant == 0 {
		t.Error("nothing is compared by hmac.Equal")
	}
}
