package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"github.com/e7ddda3c/notify/channel"
)

func quoted(s string) string { return strconv.Quote(s) }

// faultAt returns an error at a node of a file that is being loaded.
func faultAt(t *parse.Tree, n parse.Node, problem string) error {
	place, _ := t.ErrorContext(n)
	return errors.New("template: " + withoutColumn(place) + ": " + problem)
}

// known lists the partials that a template can call, as the end of an error text.
func known(trees map[string]*parse.Tree) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(trees)), func(s string) bool { return strings.ContainsAny(s, "/ ") })
	if len(names) == 0 {
		return "; there are no partials (go:embed skips them unless the pattern starts with all:)"
	}
	return "; the partials are " + strings.Join(names, ", ")
}

// A hidden error has a cause that can be unwrapped, but is not printed, because the text of the cause may contain data.
type hidden struct {
	text  string
	cause error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.cause }

// rejected returns an error of a rendering. It reads "FIELD: template: TEXT", or "template: TEXT" if the field is "template".
func rejected(field, text string, cause error) *channel.Error {
	if field != "template" {
		text = "template: " + text
	}
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: &hidden{text, cause}}
}

// fault converts an error of Execute into one that names the file, the line and the field, and contains no data.
func (f *fragment) fault(err error, p *program) error {
	var exec texttemplate.ExecError
	switch {
	case errors.Is(err, errStopped):
		return err
	case !errors.As(err, &exec):
		return rejected("template", f.name+": "+err.Error(), nil)
	}
	place, problem := split(exec.Error())
	text, cause := describe(problem, exec, p.set.o.Funcs)
	field := f.origin(place)
	var ours fault
	if errors.As(err, &ours) && ours.field != "" {
		field = ours.field
	}
	return rejected(field, withoutColumn(place)+": "+text, cause)
}

// split splits the text of an ExecError, which has the form template: PLACE: executing "NAME" at <ACTION>: PROBLEM. text/template
// does not export these parts.
func split(text string) (place, problem string) {
	place, rest, _ := strings.Cut(strings.TrimPrefix(text, "template: "), ": executing ")
	_, problem, _ = strings.Cut(rest, ">: ")
	return place, problem
}

// withoutColumn shortens "file:line:column" to "file:line".
func withoutColumn(place string) string {
	return place[:max(0, strings.LastIndexByte(place, ':'))]
}

// describe returns a description of the problem that may quote the template, but contains no data. If a function of the host failed,
// cause is its error.
func describe(problem string, exec error, host map[string]any) (text string, cause error) {
	after := func(prefix string) (rest string, ok bool) { return strings.CutPrefix(problem, prefix) }
	for _, prefix := range []string{"map has no entry for key ", "nil data; no entry for key "} {
		if key, ok := after(prefix); ok {
			return "missing field " + key, nil
		}
	}
	if _, name, ok := strings.Cut(problem, "nil pointer evaluating interface {}."); ok {
		return "missing field " + quoted(name) + " of null", nil
	}
	if rest, ok := after("can't evaluate field "); ok {
		name, _, _ := strings.Cut(rest, " in type ")
		return "missing field " + quoted(name) + " of a value that is not an object", nil
	}
	if strings.HasPrefix(problem, "wrong type for value; ") || strings.HasPrefix(problem, "wrong number of args ") {
		return problem, nil // contains only types and counts
	}
	if rest, ok := after("error calling "); ok {
		return describeCall(rest, exec, host)
	}
	return "the action failed", nil
}

func describeCall(call string, exec error, host map[string]any) (text string, cause error) {
	name, problem, _ := strings.Cut(call, ": ")
	var ours fault
	switch {
	case host[name] != nil:
		return fmt.Sprintf("the function %s failed", name), errors.Unwrap(errors.Unwrap(exec))
	case !errors.As(exec, &ours): // an error of text/template, in which values follow a colon
		problem, _, _ = strings.Cut(problem, ":")
	}
	if name == shownName {
		return problem, nil
	}
	return name + ": " + problem, nil
}
