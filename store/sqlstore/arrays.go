package sqlstore

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// arrays are columns of values for PostgreSQL's unnest, in the text form of arrays. Every driver and pooler passes text on unchanged, and
// a statement has the same form for any number of rows.
type arrays [][]byte

// row appends a row. There must be one value per column.
func (a arrays) row(values ...any) {
	for i, v := range values {
		b := a[i]
		if len(b) == 0 {
			b = append(b, '{')
		} else {
			b = append(b, ',')
		}
		a[i] = appendElement(b, v)
	}
}

func appendElement(b []byte, v any) []byte {
	switch v := v.(type) {
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		return strconv.AppendBool(b, v)
	case []byte:
		if v == nil {
			return append(b, "NULL"...)
		}
		return append(hex.AppendEncode(append(b, `"\\x`...), v), '"')
	case string:
		b = append(b, '"')
		for {
			i := strings.IndexAny(v, `"\`)
			if i < 0 {
				return append(append(b, v...), '"')
			}
			b = append(append(b, v[:i]...), '\\', v[i])
			v = v[i+1:]
		}
	}
	return append(b, "NULL"...)
}

// args returns the columns as parameters.
func (a arrays) args() []any {
	args := make([]any, len(a))
	for i, b := range a {
		if len(b) == 0 {
			b = []byte{'{'}
		}
		args[i] = string(append(b, '}'))
	}
	return args
}
