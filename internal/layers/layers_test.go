package layers_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/internal/layers"
)

func TestImportsPointDown(t *testing.T) {
	all := decode[layers.Package](t, golang(t, "list", "-deps", "-json=ImportPath,Standard,Imports,Module", "./..."))
	require.Greater(t, len(all), 100, "the standard library is part of the graph")
	require.Empty(t, strings.Join(layers.Check(all), "\n"))
}

func TestCheckComplainsOf(t *testing.T) {
	tests := map[string]struct {
		from, to string
		want     string // "" for an import that is allowed
	}{
		"a root that knows an adapter":           {"", "channel/email", "never adapters"},
		"a root that needs a web server":         {"", "net/http", "→ net/http"},
		"an adapter that knows the root":         {"channel/sms", "", "stands above"},
		"an adapter that knows another":          {"channel/sms", "channel/email", "an adapter imports ports"},
		"an adapter that knows one below it":     {"channel/sms", "channel/sms/aliyun", "an adapter imports ports"},
		"an adapter that knows its neighbour":    {"channel/sms/aliyun", "channel/sms/tencent", "an adapter imports ports"},
		"an adapter that knows a far folder":     {"channel/sms/aliyun", "channel/email", "an adapter imports ports"},
		"a helper that knows an adapter":         {"channel/internal/x", "channel/sms", "an adapter imports ports"},
		"a store that knows a channel's helper":  {"store/memory", "channel/internal/x", "an adapter imports ports"},
		"a store that knows another's helper":    {"store/memory", "store/sqlstore/internal/dialect", "an adapter imports ports"},
		"a port that knows a helper":             {"channel", "channel/httphook", "a port imports nothing"},
		"a root that knows a helper":             {"", "channel/httphook", "never adapters"},
		"an adapter that knows the engine":       {"store/memory", "internal/engine", "an adapter imports ports"},
		"an engine that knows cron":              {"internal/engine", "internal/cron", "a part imports nothing"},
		"an engine that knows templates":         {"internal/engine", "template", "a part imports nothing"},
		"an engine that knows the root":          {"internal/engine", "", "stands above"},
		"an engine with a library":               {"internal/engine", "github.com/google/uuid", "standard library only"},
		"a driver that batches":                  {"channel/sms", "internal/batch", "an adapter imports ports"},
		"a store that knows another's inside":    {"store/memory", "store/internal/statements", "an adapter imports ports"},
		"a driver that knows the hub":            {"channel/sms", "channel/websocket", "an adapter imports ports"},
		"nothing if the root knows its engine":   {"", "internal/engine", ""},
		"nothing if the engine batches":          {"internal/engine", "internal/batch", ""},
		"nothing if the inbox batches":           {"inbox", "internal/batch", ""},
		"nothing if the inbox pushes":            {"inbox", "channel/websocket", ""},
		"nothing if stores share statements":     {"store/pgxstore", "store/internal/statements", ""},
		"a port that knows an adapter":           {"channel", "channel/httpsend", "a port imports nothing"},
		"a port that knows a port it need not":   {"channel", "store", "a port imports nothing"},
		"a port with a library":                  {"channel", "github.com/google/uuid", "standard library only"},
		"a library that nobody listed":           {"channel/sms", "example.com/sdk", "not listed"},
		"a test library outside of tests":        {"channel/channeltest", "github.com/stretchr/testify", "not listed"},
		"a library in the wrong hands":           {"channel/sms", "github.com/wneessen/go-mail", "for channel/email alone"},
		"a folder without a place":               {"utils", "channel", "no place"},
		"a tool that knows the house":            {"internal/env", "channel", "a tool imports nothing"},
		"a tool that knows an adapter":           {"internal/faulttest", "store/memory", "a tool imports nothing"},
		"an adapter that knows what is above":    {"channel/sms", "observe/internal/backlog", "an adapter imports ports"},
		"a root that knows what is above":        {"", "observe/internal/backlog", "never adapters"},
		"nothing if observe knows the root":      {"observe/internal/observetest", "", ""},
		"nothing if observe knows an adapter":    {"observe/internal/observetest", "store/memory", ""},
		"nothing if the root knows a port":       {"", "template", ""},
		"nothing if template knows channel":      {"template", "channel", ""},
		"nothing if an adapter sends over HTTP":  {"channel/sms", "channel/httpsend", ""},
		"nothing if an adapter is called back":   {"channel/email", "channel/httphook", ""},
		"nothing if a vendor knows its medium":   {"channel/sms/aliyun", "channel/sms", ""},
		"nothing if a vendor is called back":     {"channel/sms/aliyun", "channel/httphook", ""},
		"nothing if a vendor shares a helper":    {"channel/sms/aliyun", "channel/internal/x", ""},
		"nothing if a hook shares a helper":      {"channel/httphook", "channel/internal/x", ""},
		"nothing if an adapter has rooms inside": {"store/sqlstore", "store/sqlstore/internal/dialect", ""},
		"nothing if email uses its library":      {"channel/email", "github.com/wneessen/go-mail", ""},
		"nothing if a tool knows its port":       {"internal/faulttest", "store", ""},
		"nothing if an adapter uses net/http":    {"channel/httpsend", "net/http", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			from, to := pkg(test.from), pkg(test.to)
			from.Imports = []string{to.ImportPath}
			complaints := layers.Check([]layers.Package{from, to})

			if test.want == "" {
				require.Empty(t, complaints)
				return
			}
			require.Len(t, complaints, 1)
			require.Contains(t, complaints[0], test.want)
			require.Contains(t, complaints[0], to.ImportPath)
		})
	}
}

func TestCheckShowsTheWholeChain(t *testing.T) {
	root, channel, http := pkg(""), pkg("channel"), pkg("net/http")
	root.Imports, channel.Imports = []string{channel.ImportPath}, []string{http.ImportPath}

	complaints := layers.Check([]layers.Package{root, channel, http})
	require.Equal(t, []string{"the root package must not need net/http: " + root.ImportPath + " → " + channel.ImportPath + " → net/http"},
		complaints)
}

func TestModulesAreFew(t *testing.T) {
	modules := strings.Fields(string(golang(t, "list", "-m", "-f", "{{.Path}}", "all")))
	require.LessOrEqual(t, len(modules), 20, "a user's go.sum should stay short: %s", strings.Join(modules, " "))
}

func TestDirectRequirementsAreListed(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
		Tool    []struct{ Path string }
	}
	require.NoError(t, json.Unmarshal(golang(t, "mod", "edit", "-json"), &mod))
	for _, required := range mod.Require {
		if !required.Indirect {
			require.Contains(t, layers.Requirements(), required.Path, "a new dependency of every user: does it belong in a nested module?")
		}
	}
	require.Empty(t, mod.Replace, "users do not get our replacements")
	require.Empty(t, mod.Tool, "tools run as go run tool@version, from the Makefile")
}

// pkg returns a package of ours, by its folder, or another one, by its path.
func pkg(path string) layers.Package {
	module := func(path string) *struct{ Path string } { return &struct{ Path string }{path} }
	switch {
	case path == "":
		return layers.Package{ImportPath: layers.Module, Module: module(layers.Module)}
	case path == "net/http":
		return layers.Package{ImportPath: path, Standard: true}
	case strings.Contains(path, "."):
		return layers.Package{ImportPath: path, Module: module(path)}
	}
	return layers.Package{ImportPath: layers.Module + "/" + path, Module: module(layers.Module)}
}

// golang runs the go command in the root module without the workspace, as a user of the module does.
func golang(t *testing.T, args ...string) []byte {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=-buildvcs=false")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.NoError(t, err, "go %s: %s", strings.Join(args, " "), exit.Stderr)
	}
	require.NoError(t, err)
	return out
}

// decode reads a stream of JSON values.
func decode[T any](t *testing.T, stream []byte) []T {
	t.Helper()
	var all []T
	for dec := json.NewDecoder(strings.NewReader(string(stream))); ; {
		var one T
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, one)
	}
}
