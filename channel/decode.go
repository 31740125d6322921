package channel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Decode reads a driver's Extra. Nothing gives the zero T; an unknown field or a wrong type is [Rejected], and the error names
// the field. The value itself is not repeated in the error.
func Decode[T any](extra json.RawMessage) (T, error) {
	var v T
	if len(extra) == 0 {
		return v, nil
	}
	dec := json.NewDecoder(bytes.NewReader(extra))
	dec.DisallowUnknownFields()
	err := dec.Decode(&v)
	if err == nil {
		_, err = dec.Token()
		if errors.Is(err, io.EOF) {
			return v, nil
		}
		err = errors.New("more than one JSON value")
	}
	var zero T
	field, text := extraFault(extra, err)
	return zero, &Error{Kind: Rejected, Field: field, Err: errors.New(text)}
}

// extraFault names the field that err is about. The json package has no type for an unknown field, only a text.
func extraFault(extra json.RawMessage, err error) (field, text string) {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		is, _, _ := strings.Cut(wrong.Value, " ") // the value may follow
		return strings.TrimSuffix("extra."+wrong.Field, "."), fmt.Sprintf("a JSON %s cannot be a %s", is, wrong.Type)
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(quoted); err == nil {
			return unknownField(extra, name), "unknown field"
		}
	}
	return "extra", "is not a JSON object of this driver"
}

// unknownField returns the path of the field called name. If there are several, nobody knows which of them json means, and only
// the name is sure.
func unknownField(extra json.RawMessage, name string) string {
	var tree any
	if err := json.Unmarshal(extra, &tree); err == nil {
		if paths := pathsTo(name, tree, "extra"); len(paths) == 1 {
			return paths[0]
		}
	}
	return "extra." + name
}

func pathsTo(name string, tree any, at string) (paths []string) {
	switch v := tree.(type) {
	case []any:
		for i, e := range v {
			paths = append(paths, pathsTo(name, e, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		for k, e := range v {
			if k == name {
				paths = append(paths, at+"."+k)
			}
			paths = append(paths, pathsTo(name, e, at+"."+k)...)
		}
	}
	return paths
}
