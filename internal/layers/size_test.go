package layers_test

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const core = `package main

import (
	"context"
	"fmt"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
)

func main() {
	n, err := notify.New(notify.Config{Channels: notify.Channels{
		"log": channel.Func(func(_ context.Context, d channel.Delivery) (channel.Receipt, error) {
			fmt.Println(d.Content.Text)
			return channel.Receipt{}, nil
		}),
	}})
	if err != nil {
		panic(err)
	}
	notify.SetDefault(n)
	report, err := notify.Send(context.Background(), notify.Message{
		To: notify.Users("ann"), Channels: []string{"log"}, Content: notify.Content{Text: "hello"},
	})
	fmt.Println(report, err, n.Close(context.Background()))
}
`

var withEmail = strings.NewReplacer(
	`"github.com/e7ddda3c/notify/channel"`, `"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"`,
	`"log":`, `"email": email.New("localhost", "shop@example.com", nil),
		"log":`,
).Replace(core)

// The size of a stripped program that imports notify, on linux/amd64.
func TestProgramsStaySmall(t *testing.T) {
	tests := map[string]struct {
		source string
		most   int64
	}{
		"with the core alone": {source: core, most: 3_200_000},
		"with email":          {source: withEmail, most: 6_900_000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			info, err := os.Stat(build(t, test.source, "-ldflags=-s -w"))
			require.NoError(t, err)
			t.Logf("%d bytes", info.Size())
			require.LessOrEqual(t, info.Size(), test.most,
				"growth usually comes from a new dependency: compare `go tool nm -size -sort size` before and after")
		})
	}
}

// The root package imports package template for its interface. The engines behind template.Set must not be linked.
func TestCoreCarriesNoTemplateEngine(t *testing.T) {
	program, err := elf.Open(build(t, core))
	require.NoError(t, err)
	defer program.Close()
	symbols, err := program.Symbols()
	require.NoError(t, err)
	require.Greater(t, len(symbols), 1000)
	for _, symbol := range symbols {
		for _, engine := range []string{"text/template.(*Template).", "html/template.(*Template).", "net/http.(*Client)."} {
			require.NotContains(t, symbol.Name, engine, "the core calls an engine; of package template it must use template.Renderer only")
		}
	}
}

// build builds a program as a user of the module does, and returns its path.
func build(t *testing.T, source string, flags ...string) string {
	t.Helper()
	folder := t.TempDir()
	file, program := filepath.Join(folder, "main.go"), filepath.Join(folder, "program")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o600))
	golang(t, append(append([]string{"build", "-trimpath", "-o", program}, flags...), file)...)
	return program
}
