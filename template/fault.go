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

// faultAt is an error at a place in a file that is loaded.
func faultAt(t *parse.Tree, n parse.Node, problem string) error {
	place, _ := t.ErrorContext(n)
	return errors.New("template: " + withoutColumn(place) + ": " + problem)
}

// known tells which partials could be called.
func known(trees map[string]*parse.Tree) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(trees)), func(s string) bool { return strings.ContainsAny(s, "/ ") })
	if len(names) == 0 {
		return "; there are no partials (go:embed leaves them out, unless its pattern starts with all:)"
	}
	return "; there are " + strings.Join(names, ", ")
}

// A hidden error has a text of ours. Its cause can be found, but is not printed, since it may hold data.
type hidden struct {
	text  string
	cause error
}

func (h *hidden) Error() string { return h.text }
func (h *hidden) Unwrap() error { return h.cause }

// rejected is an error of a rendering. A field other than "template" gets our prefix behind it.
func rejected(field, text string, cause error) *channel.Error {
	if field != "template" {
		text = "template: " + text
	}
	return &channel.Error{Kind: channel.Rejected, Field: field, Err: &hidden{text, cause}}
}

// fault turns an error of Execute into one that names the file, the line and the field, and repeats nothing that may be data.
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

// split takes "template: PLACE: executing "NAME" at <ACTION>: PROBLEM" apart, which is all that text/template tells.
func split(text string) (place, problem string) {
	place, rest, _ := strings.Cut(strings.TrimPrefix(text, "template: "), ": executing ")
	_, problem, _ = strings.Cut(rest, ">: ")
	return place, problem
}

// withoutColumn makes "file:line" of "file:line:column".
func withoutColumn(place string) string {
	return place[:max(0, strings.LastIndexByte(place, ':'))]
}

// describe says what the problem is in words that come from the template, and are not data. The cause is that of a function of the
// host's.
func describe(problem string, exec error, host map[string]any) (text string, cause error) {
	after := func(prefix string) (rest string, ok bool) { return strings.CutPrefix(problem, prefix) }
	for _, prefix := range []string{"map has no entry for key ", "nil data; no entry for key "} {
		if key, ok := after(prefix); ok {
			return "there is no " + key, nil
		}
	}
	if _, name, ok := strings.Cut(problem, "nil pointer evaluating interface {}."); ok {
		return "there is no " + quoted(name) + " in null", nil
	}
	if rest, ok := after("can't evaluate field "); ok {
		name, _, _ := strings.Cut(rest, " in type ")
		return "there is no " + quoted(name) + " in what is not an object", nil
	}
	if strings.HasPrefix(problem, "wrong type for value; ") || strings.HasPrefix(problem, "wrong number of args ") {
		return problem, nil // types and counts only
	}
	if rest, ok := after("error calling "); ok {
		return describeCall(rest, exec, host)
	}
	return "the action fails", nil
}

func describeCall(call string, exec error, host map[string]any) (text string, cause error) {
	name, problem, _ := strings.Cut(call, ": ")
	var ours fault
	switch {
	case host[name] != nil:
		return fmt.Sprintf("the function %s fails", name), errors.Unwrap(errors.Unwrap(exec))
	case !errors.As(exec, &ours): // text/template's: values come last
		problem, _, _ = strings.Cut(problem, ":")
	}
	if name == shownName {
		return problem, nil
	}
	return name + ": " + problem, nil
}
