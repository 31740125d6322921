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

// Decode unmarshals a driver's Extra. Empty extra and null give the zero T.
//
// Every failure is an [*Error] of kind [Rejected]. For an unknown field or a wrong type, its Field is the path of that field, such as
// "extra.at.mobiles"; otherwise "extra". The error contains no value from extra.
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
		err = errors.New("must be a single JSON value")
	}
	var zero T
	field, text := extraFault(extra, err)
	return zero, &Error{Kind: Rejected, Field: field, Err: errors.New(text)}
}

// extraFault returns the path of the field that err is about, and an error text. encoding/json has no type for the error about an
// unknown field, only a text.
func extraFault(extra json.RawMessage, err error) (field, text string) {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		is, _, _ := strings.Cut(wrong.Value, " ") // cuts off the value, which may follow the JSON type
		return strings.TrimSuffix("extra."+wrong.Field, "."), fmt.Sprintf("must be a Go %s, not a JSON %s", wrong.Type, is)
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if name, err := strconv.Unquote(quoted); err == nil {
			return unknownField(extra, name), "unknown field"
		}
	}
	return "extra", "must be a single JSON object that this driver can read"
}

// unknownField returns the path of the field called name. If several fields have that name, encoding/json does not tell which of them
// is unknown; the result is then "extra." with the name alone.
func unknownField(extra json.RawMessage, name string) string {
	var tree any
	if err := json.Unmarshal(extra, &tree); err == nil {
		if paths := pathsTo(name, tree, "extra"); len(paths) == 1 {
			return paths[0]
		}
	}
	return "extra." + name
}

// pathsTo returns the paths of all fields called name in tree. at is the path of tree itself.
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
