package template

import (
	"bytes"
	"encoding/json"
)

// Decode returns the JSON of v as Go values, in the form of a [Request]: nil, bool, string, int64 for integers that fit, float64 for
// other numbers, []any and map[string]any.
func Decode(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return nil, err
	}
	return withNumbers(x)
}

// withNumbers replaces each json.Number in v by an int64 if that fits, otherwise by a float64.
func withNumbers(v any) (_ any, err error) {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			if v[i], err = withNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = withNumbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
