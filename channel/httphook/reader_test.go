package httphook_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
)

type report struct {
	ID     httphook.Text `json:"id"`
	Status string        `json:"status"`
}

func (r report) receipt() channel.Receipt {
	return channel.Receipt{ID: string(r.ID), Event: channel.Event(r.Status)}
}

func TestJSONArray(t *testing.T) {
	read := httphook.JSONArray(report.receipt)
	got, err := read(nil, []byte(`[{"id":1,"status":"read"},{"id":"a-2"},null]`))
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{{ID: "1", Event: channel.Read}, {ID: "a-2"}, {}}, got)

	got, err = read(nil, []byte("[]"))
	require.NoError(t, err)
	require.Empty(t, got)

	for _, bad := range []string{"", "null", "{}", `"x"`, "[1]", `[{"id":[]`, "<html>", `[]{}`} {
		_, err = read(nil, []byte(bad))
		require.Error(t, err, bad)
	}
}

func TestForm(t *testing.T) {
	forbidden := errors.New("no")
	read := httphook.Form(func(r *http.Request, form url.Values) ([]channel.Receipt, error) {
		if form.Get("key") != "t0ken" {
			return nil, forbidden
		}
		return []channel.Receipt{{DeliveryID: r.URL.Query().Get("delivery"), ID: form.Get("id")}}, nil
	})
	r := httptest.NewRequest(http.MethodPost, "/?delivery=d-1", nil)
	got, err := read(r, []byte("key=t0ken&id=a%2B1"))
	require.NoError(t, err)
	require.Equal(t, []channel.Receipt{{DeliveryID: "d-1", ID: "a+1"}}, got)
	_, err = read(r, nil)
	require.ErrorIs(t, err, forbidden)
	_, err = read(r, []byte("key=%zz"))
	require.Error(t, err)
	require.NotErrorIs(t, err, forbidden)
}

func TestText(t *testing.T) {
	for given, want := range map[string]httphook.Text{
		`"word"`: "word", `"\u5546"`: "商", `""`: "", `null`: "", `17`: "17", `1e3`: "1e3", `true`: "true", `false`: "false", `[1]`: "[1]", `{}`: "{}",
	} {
		var got httphook.Text
		require.NoError(t, json.Unmarshal([]byte(given), &got), given)
		require.Equal(t, want, got, given)
	}
}
