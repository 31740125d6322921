package layers_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/layers"
)

// mostExported is the maximum number of exported names of internal/engine, and mostFiles that of files in the root package.
const mostExported, mostFiles = 20, 32

func TestTheEngineExportsLittle(t *testing.T) {
	var names []string
	for _, file := range sources(t, "../engine") {
		names = append(names, exported(file)...)
	}
	require.NotEmpty(t, names)
	require.Empty(t, tooMany(names, mostExported), "the root should need little of its engine")
}

func TestTheRootHasFewFiles(t *testing.T) {
	files := goFiles(t, "../..")
	require.NotEmpty(t, files)
	require.Empty(t, tooMany(files, mostFiles), "code with a subject of its own belongs in a part")
}

// A struct that embeds a Notifier has all of the methods, and does not show which it needs.
func TestNoStructEmbedsTheNotifier(t *testing.T) {
	folders := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if path != "../.." && skipped(path) {
			return filepath.SkipDir
		}
		folders++
		for name, file := range sources(t, path) {
			require.Empty(t, embeds(file), "%s: a field with a name shows what is needed", name)
		}
		return nil
	}))
	require.Greater(t, folders, 20)
}

// skipped reports whether a folder is not part of the root module.
func skipped(path string) bool {
	name := filepath.Base(path)
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func TestExported(t *testing.T) {
	tests := map[string]struct {
		source string
		want   []string
	}{
		"functions, not methods":   {"func F() {}; func f() {}; type t struct{}; func (t) M() {}; func (*t) N() {}", []string{"F"}},
		"types, however declared":  {"type A int; type ( B = int; C[T any] struct{ Field T }; d int )", []string{"A", "B", "C"}},
		"each variable":            {"var A, b, C = 1, 2, 3", []string{"A", "C"}},
		"each constant of a block": {"const ( A = iota; B; c )", []string{"A", "B"}},
		"nothing inside functions": {"func f() { const A = 1; type B int; var C B; _ = C }", nil},
		"no import":                {`import B "fmt"`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, exported(parse(t, "package engine; "+test.source)))
		})
	}
}

func TestEmbeds(t *testing.T) {
	const root, other = "package notify; ", `package other; import "github.com/e7ddda3c/notify"; `
	tests := map[string]struct {
		source string
		want   []string
	}{
		"a pointer in the root":          {root + "type s struct{ *Notifier }", []string{"*Notifier"}},
		"a value in the root":            {root + "type s struct{ Notifier }", []string{"Notifier"}},
		"one beside other fields":        {root + "type s struct{ name string; *Notifier; err error }", []string{"*Notifier"}},
		"one in a struct without a name": {root + "func f() { var x struct{ *Notifier }; _ = x }", []string{"*Notifier"}},
		"one in a struct in a struct":    {root + "type s struct{ inner struct{ *Notifier } }", []string{"*Notifier"}},
		"a pointer elsewhere":            {other + "type s struct{ *notify.Notifier }", []string{"*notify.Notifier"}},
		"a value elsewhere":              {other + "type s struct{ notify.Notifier }", []string{"notify.Notifier"}},
		"one under another name": {
			`package other; import n "github.com/e7ddda3c/notify"; type s struct{ *n.Notifier }`, []string{"*n.Notifier"},
		},
		"nothing if the field has a name":      {root + "type s struct{ n *Notifier; Notifier Notifier }", nil},
		"nothing if it is another in the root": {root + "type s struct{ *planner }", nil},
		"nothing if it is another package's": {
			`package other; import "example.com/notify"; type s struct{ *notify.Notifier }`, nil,
		},
		"nothing if it is the package's own": {"package other; type Notifier struct{}; type s struct{ *Notifier }", nil},
		"nothing if it is an interface":      {root + "type s interface{ Notifier }", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, embeds(parse(t, test.source)))
		})
	}
}

func TestGoFiles(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b.go", "a.go", "a_test.go", "doc.md", "sub/c.go", ".hidden.go", "_left.go"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte("package p"), 0o600))
	}
	require.Equal(t, []string{"a.go", "b.go"}, goFiles(t, folder))
}

func TestTooMany(t *testing.T) {
	source := "package engine"
	for i := range mostExported {
		source += fmt.Sprintf("; func F%d() {}", i)
	}
	require.Empty(t, tooMany(exported(parse(t, source)), mostExported))
	require.Contains(t, tooMany(exported(parse(t, source+"; var V int")), mostExported), `21, and 20 at most: ["F0" `)
}

// tooMany returns a complaint about names that are too many, or "".
func tooMany(names []string, most int) string {
	if len(names) <= most {
		return ""
	}
	return fmt.Sprintf("%d, and %d at most: %q", len(names), most, names)
}

// exported returns the exported names of a file's package level.
func exported(file *ast.File) (names []string) {
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	for _, declared := range file.Decls {
		switch d := declared.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name)
				case *ast.ValueSpec:
					add(s.Names...)
				}
			}
		}
	}
	return names
}

// embeds returns the Notifiers of the root package that structs of a file embed, as they stand there.
func embeds(file *ast.File) (found []string) {
	notifier := "Notifier"
	if file.Name.Name != "notify" {
		name := importedAs(file, layers.Module)
		if name == "" {
			return nil
		}
		notifier = name + ".Notifier"
	}
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, field := range s.Fields.List {
			if name := nameOf(field.Type); len(field.Names) == 0 && strings.TrimPrefix(name, "*") == notifier {
				found = append(found, name)
			}
		}
		return true
	})
	return found
}

// nameOf returns the name of an embedded type, or "".
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return fmt.Sprintf("%s.%s", nameOf(e.X), e.Sel.Name)
	case *ast.StarExpr:
		return "*" + nameOf(e.X)
	}
	return ""
}

// importedAs returns the name under which a file imports a package, or "".
func importedAs(file *ast.File, path string) string {
	for _, s := range file.Imports {
		if strings.Trim(s.Path.Value, `"`) != path {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

// sources parses the files of a folder's package, by path, without tests.
func sources(t *testing.T, folder string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	for _, name := range goFiles(t, folder) {
		path := filepath.Join(folder, name)
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		files[path] = parse(t, string(source))
	}
	return files
}

// goFiles returns the names of the Go files in a folder, without tests.
func goFiles(t *testing.T, folder string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(folder), "*.go")
	require.NoError(t, err)
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") || name[0] == '.' || name[0] == '_'
	})
}

func parse(t *testing.T, source string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
	require.NoError(t, err)
	return file
}
