// Package layers checks the imports of the root module against the plan in docs/design.md: arrows point down only.
//
//	observe/…         above         imports anything of ours
//	notify (root)     application   imports ports and parts
//	internal/engine … parts         import the packages listed here; only the root imports them, and packages that they are shared with
//	channel …         ports         import the standard library; template and store also channel
//	channel/email …   adapters      import ports, the packages above their own folder, and shared ones
//	internal/env …    tools         import the ports listed here; tests may import more
package layers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Module is the root module's path.
const Module = "github.com/e7ddda3c/notify"

// ports are the packages between the root and the adapters, each with those of our packages that it may import.
var ports = map[string][]string{
	"channel":   nil,
	"template":  {"channel"},
	"store":     {"channel"},
	"transport": nil,
}

// parts are the packages that the root is made of, each with those of ours that it may import.
var parts = map[string][]string{
	"internal/engine": {"channel", "store", "internal/batch"},
	"internal/cron":   nil,
	"internal/batch":  nil,
}

// tools are the packages below internal that may import ports, each with those ports.
var tools = map[string][]string{
	"internal/faulttest": {"store"},
}

// rooms are the folders that adapters may be in: the ports, and inbox.
var rooms = []string{"channel", "template", "store", "transport", "inbox"}

// above are the folders above the root package. Their packages are shared by the nested modules in them.
var above = []string{"observe"}

// shared are the packages for adapters to share, with the folders whose packages may import them. An entry covers the folders below.
var shared = map[string][]string{
	"channel/httpsend": rooms,
	"channel/httphook": rooms,
	"channel/internal": {"channel"},

	"channel/websocket": {"inbox"},
	"internal/batch":    {"store", "inbox", "transport"},
	"store/internal":    {"store/sqlstore", "store/pgxstore"},
}

// libraries are the modules that may be imported outside of tests, each with the only folder that may import it. "" means all
// folders but the ports.
var libraries = map[string]string{
	"github.com/wneessen/go-mail": "channel/email",
	"github.com/coder/websocket":  "channel/websocket",
	"github.com/google/uuid":      "",
}

// heavy are packages that the core must not bring into a program.
var heavy = []string{"net/http", "database/sql", "testing"}

// A Package is a package as described by `go list -json`.
type Package struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

// Check returns a complaint for each import that breaks the plan. The packages are those of the root module and all their
// dependencies.
func Check(all []Package) []string {
	graph := make(map[string]Package, len(all))
	for _, p := range all {
		graph[p.ImportPath] = p
	}
	var complaints []string
	for _, p := range all {
		if p.Module == nil || p.Module.Path != Module {
			continue
		}
		for _, imported := range p.Imports {
			if why := forbidden(inside(p.ImportPath), graph[imported], imported); why != "" {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: %s", p.ImportPath, imported, why))
			}
		}
	}
	for _, target := range heavy {
		if chain := path(graph, Module, target); chain != nil {
			complaints = append(complaints, fmt.Sprintf("the root package must not need %s: %s", target, strings.Join(chain, " → ")))
		}
	}
	return complaints
}

// forbidden returns the reason that the package in a folder of ours may not import another, or "".
func forbidden(folder string, other Package, path string) string {
	switch {
	case other.Standard, path == "C":
		return ""
	case path == Module || strings.HasPrefix(path, Module+"/"):
		return forbiddenOurs(folder, inside(path))
	}
	var module string
	if other.Module != nil {
		module = other.Module.Path
	}
	user, listed := libraries[module]
	switch {
	case !listed:
		return "the library is not listed in internal/layers; what needs it may be a nested module's"
	case isPort(folder), isPart(folder):
		return "a port or a part needs the standard library only"
	case user != "" && !within(folder, user):
		return "that is for " + user + " alone"
	}
	return ""
}

func forbiddenOurs(folder, other string) string {
	switch {
	case withinAny(folder, above):
		return ""
	case other == "":
		return "the root package stands above it"
	case folder == "":
		if !isPort(other) && !isPart(other) {
			return "the root package knows ports and its parts, never adapters"
		}
	case isPart(folder):
		if !slices.Contains(parts[folder], other) {
			return "a part imports nothing of ours but what is listed for it"
		}
	case isPort(folder):
		if !slices.Contains(ports[folder], other) {
			return "a port imports nothing of ours, except template and store, which name channel's types"
		}
	case within(folder, "internal"):
		if !slices.Contains(tools[folder], other) {
			return "a tool imports nothing of ours, except the ports that are listed for it"
		}
	case !withinAny(folder, rooms):
		return "the folder has no place in the plan"
	case !isPort(other) && !within(folder, other) && !within(other, folder+"/internal") && !sharedWith(folder, other):
		return "an adapter imports ports, the packages above its own folder, its internal ones, and those listed as shared"
	}
	return ""
}

// sharedWith reports whether shared lists other for the package in folder.
func sharedWith(folder, other string) bool {
	for entry, users := range shared {
		if within(other, entry) && withinAny(folder, users) {
			return true
		}
	}
	return false
}

// path returns a shortest chain of imports from one package to another, or nil.
func path(graph map[string]Package, from, to string) []string {
	came := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			var chain []string
			for at := to; at != ""; at = came[at] {
				chain = append([]string{at}, chain...)
			}
			return chain
		}
		for _, next := range graph[queue[0]].Imports {
			if _, seen := came[next]; !seen {
				came[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// inside returns the folder of a package in our module, "" for the root package.
func inside(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, Module), "/") }

func isPort(folder string) bool { _, ok := ports[folder]; return ok }
func isPart(folder string) bool { _, ok := parts[folder]; return ok }

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

func withinAny(folder string, parents []string) bool {
	return slices.ContainsFunc(parents, func(parent string) bool { return within(folder, parent) })
}

// Requirements returns the modules that the root's go.mod may require directly: the libraries, and those for tests.
func Requirements() []string {
	return append(slices.Sorted(maps.Keys(libraries)), "github.com/stretchr/testify")
}
