package httphook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httphook"
)

// A taker is a sink that fails on some receipts.
type taker struct {
	got  []channel.Receipt
	fail func(channel.Receipt) bool
}

func (s *taker) take(_ context.Context, r channel.Receipt) error {
	s.got = append(s.got, r)
	if s.fail != nil && s.fail(r) {
		return errors.New("not found")
	}
	return nil
}

// brings returns a Reader whose calls bring rs.
func brings(rs ...channel.Receipt) httphook.Reader {
	return func(*http.Request, []byte) ([]channel.Receipt, error) { return rs, nil }
}

func call(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func TestReaderGetsTheWholeCall(t *testing.T) {
	var gotPath, gotBody string
	read := func(r *http.Request, body []byte) ([]channel.Receipt, error) {
		gotPath, gotBody = r.URL.Path, string(body)
		return []channel.Receipt{{ID: "1", Event: channel.Sent}}, nil
	}
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "the request's")
	var of any
	h := httphook.New(read, func(ctx context.Context, _ channel.Receipt) error { of = ctx.Value(key{}); return nil }, nil)
	body := strings.Repeat("x", 1<<20)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/hooks/acme", strings.NewReader(body)))

	require.Equal(t, "/hooks/acme", gotPath)
	require.Equal(t, body, gotBody)
	require.Equal(t, "the request's", of)
}

func TestAnswers(t *testing.T) {
	bounced := channel.Receipt{ID: "1", Event: channel.Bounced}
	fails := func(err error) httphook.Reader {
		return func(*http.Request, []byte) ([]channel.Receipt, error) { return []channel.Receipt{bounced}, err }
	}
	refuse := func(channel.Receipt) bool { return true }
	tests := map[string]struct {
		method string
		body   io.Reader
		read   httphook.Reader
		fail   func(channel.Receipt) bool
		status int
		sunk   int // receipts that reach the sink
	}{
		"taken":              {http.MethodPost, strings.NewReader("x"), brings(bounced), nil, http.StatusOK, 1},
		"nothing to take":    {http.MethodPost, strings.NewReader("x"), brings(), refuse, http.StatusOK, 0},
		"an empty body":      {http.MethodPost, http.NoBody, brings(bounced), nil, http.StatusOK, 1},
		"not taken":          {http.MethodPost, strings.NewReader("x"), brings(bounced), refuse, http.StatusServiceUnavailable, 1},
		"not signed":         {http.MethodPost, strings.NewReader("x"), fails(httphook.ErrForbidden), nil, http.StatusForbidden, 0},
		"not the vendor's":   {http.MethodPost, strings.NewReader("x"), fails(io.ErrUnexpectedEOF), nil, http.StatusBadRequest, 0},
		"too long":           {http.MethodPost, strings.NewReader(strings.Repeat("x", 1<<20+1)), brings(bounced), nil, http.StatusBadRequest, 0},
		"cut off":            {http.MethodPost, brokenReader{}, brings(bounced), nil, http.StatusBadRequest, 0},
		"another method":     {http.MethodPut, strings.NewReader("x"), brings(bounced), nil, http.StatusMethodNotAllowed, 0},
		"a browser's method": {http.MethodGet, http.NoBody, brings(bounced), nil, http.StatusMethodNotAllowed, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &taker{fail: tt.fail}
			w := httptest.NewRecorder()
			o := &httphook.Options{Taken: "<ok/>", Refused: "<again/>", ContentType: "text/xml"}
			httphook.New(tt.read, s.take, o).ServeHTTP(w, httptest.NewRequest(tt.method, "/", tt.body))

			require.Equal(t, tt.status, w.Code)
			require.Len(t, s.got, tt.sunk)
			require.Equal(t, "text/xml", w.Header().Get("Content-Type"))
			require.Equal(t, map[bool]string{true: "<ok/>", false: "<again/>"}[tt.status == http.StatusOK], w.Body.String())
			require.Equal(t, tt.status == http.StatusMethodNotAllowed, w.Header().Get("Allow") == http.MethodPost)
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read(p []byte) (int, error) { return copy(p, "x"), io.ErrUnexpectedEOF }

func TestAnswersHaveNoBodyByDefault(t *testing.T) {
	h := httphook.New(brings(), (&taker{}).take, nil)
	for method, status := range map[string]int{http.MethodPost: http.StatusNoContent, http.MethodGet: http.StatusMethodNotAllowed} {
		w := call(h, method, "/")
		require.Equal(t, status, w.Code)
		require.Empty(t, w.Body.String())
		require.Empty(t, w.Header().Get("Content-Type"))
	}
}

func TestAnswersAreJSONByDefault(t *testing.T) {
	w := call(httphook.New(brings(), (&taker{}).take, &httphook.Options{Taken: "{}"}), http.MethodPost, "/")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
}

func TestOneReceiptThatFailsHoldsUpNoOther(t *testing.T) {
	s := &taker{fail: func(r channel.Receipt) bool { return r.ID == "1" }}
	h := httphook.New(brings(channel.Receipt{ID: "1", Event: channel.Read}, channel.Receipt{ID: "2", Event: channel.Read}), s.take, nil)
	require.Equal(t, http.StatusServiceUnavailable, call(h, http.MethodPost, "/").Code)
	require.Len(t, s.got, 2)

	s.fail = nil
	require.Equal(t, http.StatusNoContent, call(h, http.MethodPost, "/").Code)
	require.Len(t, s.got, 4, "both come again")
}

func TestReceiptsThatFailForADayAreGivenUp(t *testing.T) {
	s := &taker{fail: func(channel.Receipt) bool { return true }}
	for ago, want := range map[time.Duration]int{23 * time.Hour: http.StatusServiceUnavailable, 25 * time.Hour: http.StatusNoContent} {
		h := httphook.New(brings(channel.Receipt{ID: "1", Event: channel.Read, At: time.Now().Add(-ago)}), s.take, nil)
		require.Equal(t, want, call(h, http.MethodPost, "/").Code)
	}
	require.Len(t, s.got, 2)
}

func TestReceiptsAreChecked(t *testing.T) {
	sent := channel.Receipt{
		Provider: "acme", ID: "1", DeliveryID: "d-1", Event: channel.Sent, At: time.Now().Add(-time.Hour), Code: "MK:0001",
	}
	tests := map[string]struct {
		change func(*channel.Receipt) // of sent
		want   func(*channel.Receipt) // of the changed; nil if the sink does not see it
	}{
		"a whole one passes":             {func(*channel.Receipt) {}, func(*channel.Receipt) {}},
		"one that names the message":     {func(r *channel.Receipt) { r.DeliveryID = "" }, func(*channel.Receipt) {}},
		"one that names the delivery":    {func(r *channel.Receipt) { r.ID = "" }, func(*channel.Receipt) {}},
		"one that names nothing":         {func(r *channel.Receipt) { r.ID, r.DeliveryID = "", "" }, nil},
		"one without an event":           {func(r *channel.Receipt) { r.Event = "" }, nil},
		"a time to come is cleared":      {func(r *channel.Receipt) { r.At = time.Now().Add(time.Hour) }, func(r *channel.Receipt) { r.At = time.Time{} }},
		"a code that is text is cleared": {func(r *channel.Receipt) { r.Code = "no +15005550006" }, func(r *channel.Receipt) { r.Code = "" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			given := sent
			tt.change(&given)
			s := &taker{}
			require.Equal(t, http.StatusNoContent, call(httphook.New(brings(given), s.take, nil), http.MethodPost, "/").Code)
			if tt.want == nil {
				require.Empty(t, s.got)
				return
			}
			tt.want(&given)
			require.Equal(t, []channel.Receipt{given}, s.got)
		})
	}
}

func TestNewNeedsAReaderAndASink(t *testing.T) {
	require.Panics(t, func() { httphook.New(nil, (&taker{}).take, nil) })
	require.Panics(t, func() { httphook.New(brings(), nil, nil) })
}
