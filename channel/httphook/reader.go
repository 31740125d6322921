package httphook

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// JSONArray returns a [Reader] for an unsigned JSON array of reports, each of which receipt turns into a receipt. Guard the handler
// with [Secret].
func JSONArray[T any](receipt func(report T) channel.Receipt) Reader {
	return func(_ *http.Request, body []byte) ([]channel.Receipt, error) {
		var reports []T
		if err := json.Unmarshal(body, &reports); err != nil {
			return nil, err
		}
		if reports == nil {
			return nil, errors.New("must be an array, not null")
		}
		receipts := make([]channel.Receipt, len(reports))
		for i, one := range reports {
			receipts[i] = receipt(one)
		}
		return receipts, nil
	}
}

// Form returns a [Reader] that decodes a web form, whatever the Content-Type. read authenticates the call, as a Reader must.
func Form(read func(r *http.Request, form url.Values) ([]channel.Receipt, error)) Reader {
	return func(r *http.Request, body []byte) ([]channel.Receipt, error) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		return read(r, form)
	}
}

// Text decodes a JSON string, and the values that vendors write in place of one: null becomes "", a number, true or false becomes its
// JSON text.
type Text string

// UnmarshalJSON sets t. It also keeps the JSON text of an object or array, so that one odd field does not spoil a whole call.
func (t *Text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	*t = Text(strings.TrimSuffix(string(b), "null"))
	return nil
}
