package channel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	field, text := extraFault(err)
	return zero, &Error{Kind: Rejected, Field: field, Err: errors.New(text)}
}

// extraFault names the field that err is about. The json package has no type for an unknown field, only a text.
func extraFault(err error) (field, text string) {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return strings.TrimSuffix("extra."+wrong.Field, "."), fmt.Sprintf("a JSON %s cannot be a %s", strings.Fields(wrong.Value)[0], wrong.Type)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "extra." + strings.Trim(name, `"`), "unknown field"
	}
	return "extra", "is not a JSON object of this driver"
}
