package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"time"
)

// diff describes the first difference between got and want, or returns "" if they are equal. Times are equal if they are the same
// instant. Nil and empty slices are equal, and so are nil and empty maps.
func diff(path string, got, want reflect.Value) string {
	if got.IsValid() != want.IsValid() || got.IsValid() && got.Type() != want.Type() {
		return differs(path, got, want)
	}
	if !got.IsValid() {
		return ""
	}
	switch got.Kind() {
	case reflect.Pointer:
		if got.IsNil() || want.IsNil() {
			if got.IsNil() != want.IsNil() {
				return differs(path, got, want)
			}
			return ""
		}
		return diff(path, got.Elem(), want.Elem())
	case reflect.Slice:
		return diffSlice(path, got, want)
	case reflect.Map:
		return diffMap(path, got, want)
	case reflect.Struct:
		return diffStruct(path, got, want)
	}
	if !got.Equal(want) {
		return differs(path, got, want)
	}
	return ""
}

func diffStruct(path string, got, want reflect.Value) string {
	if t, ok := got.Interface().(time.Time); ok {
		if !t.Equal(want.Interface().(time.Time)) {
			return differs(path, got, want)
		}
		return ""
	}
	for i := range got.NumField() {
		if d := diff(path+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i)); d != "" {
			return d
		}
	}
	return ""
}

func diffSlice(path string, got, want reflect.Value) string {
	if got.Type().Elem().Kind() == reflect.Uint8 {
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			return differs(path, got, want)
		}
		return ""
	}
	for i := range min(got.Len(), want.Len()) {
		if d := diff(fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i)); d != "" {
			return d
		}
	}
	if got.Len() != want.Len() {
		return fmt.Sprintf("%s: got %d elements, want %d", path, got.Len(), want.Len())
	}
	return ""
}

func diffMap(path string, got, want reflect.Value) string {
	for it := want.MapRange(); it.Next(); {
		g := got.MapIndex(it.Key())
		if !g.IsValid() {
			return fmt.Sprintf("%s[%v]: got no entry, want %v", path, it.Key(), it.Value())
		}
		if d := diff(fmt.Sprintf("%s[%v]", path, it.Key()), g, it.Value()); d != "" {
			return d
		}
	}
	for it := got.MapRange(); it.Next(); {
		if !want.MapIndex(it.Key()).IsValid() {
			return fmt.Sprintf("%s[%v]: got %v, want no entry", path, it.Key(), it.Value())
		}
	}
	return ""
}

func differs(path string, got, want reflect.Value) string {
	return fmt.Sprintf("%s: got %.200s, want %.200s", path, shown(got), shown(want))
}

func shown(v reflect.Value) string {
	switch {
	case !v.IsValid():
		return "nothing"
	case v.Kind() == reflect.Pointer && !v.IsNil():
		return "&" + shown(v.Elem())
	case v.Kind() == reflect.String || v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return fmt.Sprintf("%q", v.Interface())
	}
	return fmt.Sprintf("%+v", v.Interface())
}
