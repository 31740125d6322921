package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// approved loads a file with a [channel.Approved].
func (l *loader) approved(v *variant, file string, p partials) {
	var a channel.Approved
	if !l.decode(file, &a) {
		return
	}
	v.approved = &approved{name: l.fragment(v, file+" name", a.Name, false, p)}
	if a.Name == "" {
		l.fail(file, errors.New("name is required"))
	}
	for i, q := range a.Params {
		if q.Name == "" {
			l.fail(file, fmt.Errorf("params[%d].name is required", i))
		}
		at := fmt.Sprintf("%s params[%d]", file, i)
		v.approved.params = append(v.approved.params, struct{ name, value *fragment }{
			l.fragment(v, at+".name", q.Name, false, p), l.fragment(v, at+".value", q.Value, false, p)})
	}
}

// extra loads a file with a driver's settings.
func (l *loader) extra(v *variant, file string, p partials) {
	var settings map[string]any
	if !l.decode(file, &settings) {
		return
	}
	b := extraBuilder{add: func(at, text string) *fragment { return l.fragment(v, file+" "+at, text, false, p) }}
	b.value("", settings)
	b.flush()
	v.extra = b.pieces
	if b.err != nil {
		l.fail(file, b.err)
	}
}

// decode unmarshals the single JSON object of a file into to, and refuses unknown fields. On failure, decode records the error and
// returns false.
func (l *loader) decode(file string, to any) bool {
	text, ok := l.read(file)
	if !ok {
		return false
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	err := dec.Decode(to)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			err = nil
		} else {
			err = errors.New("must be a single JSON object")
		}
	}
	if err == nil && !strings.HasPrefix(strings.TrimSpace(text), "{") {
		err = errors.New("must be a JSON object")
	}
	if err != nil {
		line := 1 + strings.Count(text[:offset(err, dec)], "\n")
		l.fail(fmt.Sprintf("%s:%d", file, line), errors.New(strings.TrimPrefix(err.Error(), "json: ")))
	}
	return err == nil
}

// offset returns the offset of err in the file, in bytes.
func offset(err error, dec *json.Decoder) int64 {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Offset
	}
	return dec.InputOffset()
}

// The maximum length of the path to a value, in bytes. Every fragment has the whole path in its name, which adds up in a deep file.
const maxPath = 1000

// An extraBuilder splits JSON into pieces: constant JSON, and strings to render.
type extraBuilder struct {
	add    func(at, text string) *fragment
	pieces []piece
	raw    bytes.Buffer // constant JSON that is not in pieces yet
	err    error
}

// value adds v, which has the path at.
func (b *extraBuilder) value(at string, v any) {
	if len(at) > maxPath {
		b.err = fmt.Errorf("nested too deeply: the path to a value must be at most %d bytes", maxPath)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		b.raw.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			b.comma(i)
			b.name(k)
			b.value(strings.TrimPrefix(at+"."+k, "."), v[k])
		}
		b.raw.WriteByte('}')
	case []any:
		b.raw.WriteByte('[')
		for i, e := range v {
			b.comma(i)
			b.value(fmt.Sprintf("%s[%d]", at, i), e)
		}
		b.raw.WriteByte(']')
	case string:
		if !strings.Contains(v, "{{") {
			b.constant(v)
			return
		}
		b.flush()
		b.pieces = append(b.pieces, piece{fragment: b.add(at, v)})
	default:
		b.constant(v)
	}
}

func (b *extraBuilder) comma(i int) {
	if i > 0 {
		b.raw.WriteByte(',')
	}
}

func (b *extraBuilder) name(k string) {
	if strings.Contains(k, "{{") {
		b.err = errors.New("the names of fields must not contain actions")
	}
	b.constant(k)
	b.raw.WriteByte(':')
}

func (b *extraBuilder) constant(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		b.err = err
	}
	b.raw.Write(raw)
}

func (b *extraBuilder) flush() {
	if b.raw.Len() > 0 {
		b.pieces = append(b.pieces, piece{raw: bytes.Clone(b.raw.Bytes())})
		b.raw.Reset()
	}
}
