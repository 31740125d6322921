package sms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
)

const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"

// A taker is a sink that fails on some receipts.
type taker struct {
	got  []channel.Receipt
	fail func(channel.Receipt) bool
}

func (s *taker) take(_ context.Context, r channel.Receipt) error {
	if s.fail != nil && s.fail(r) {
		return errors.New("not found")
	}
	s.got = append(s.got, r)
	return nil
}

func call(h http.Handler, method, target, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

// The vendors that push reports and sign nothing, with what they demand for an answer.
var pushers = map[string]struct {
	open          func(secret string, sink func(context.Context, channel.Receipt) error) http.Handler
	report, taken string // report: with %s for the id and the time
}{
	"aliyun": {sms.AliyunCallback,
		`{"phone_number":"13800138000","send_time":"2024-01-02 11:04:06","report_time":"%[2]s","success":true,"err_code":"DELIVERED","err_msg":"ok","sms_size":"1","biz_id":"%[1]s","out_id":"ntf-0001"}`,
		`{"code":0,"msg":"ok"}`},
	"tencent": {sms.TencentCallback,
		`{"user_receive_time":"%[2]s","nationcode":"86","mobile":"13800138000","report_status":"SUCCESS","errmsg":"DELIVRD","description":"用户短信送达成功","sid":"%[1]s"}`,
		`{"result":0,"errmsg":"OK"}`},
}

func beijing(t time.Time) string { return t.In(time.FixedZone("", 8*60*60)).Format(time.DateTime) }

func TestPushedReportsReachTheSink(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &taker{}
			h := p.open(secret, s.take)
			body := "[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "," + fmt.Sprintf(p.report, "a-2", "never") + "]"
			w := call(h, http.MethodPost, "/hooks/x/"+secret, body)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, p.taken, w.Body.String())
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Len(t, s.got, 2)
			require.Equal(t, "a-1", s.got[0].ID)
			require.Equal(t, name, s.got[0].Provider)
			require.Equal(t, channel.Delivered, s.got[0].Event)
			require.Equal(t, time.Date(2024, 1, 2, 3, 4, 9, 0, time.UTC), s.got[0].At)
			require.Zero(t, s.got[1].At)

			require.Equal(t, p.taken, call(h, http.MethodPost, "/"+secret, "[]").Body.String())
		})
	}
}

func TestPushedReportsAreBroughtAgainUntilAllAreTaken(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &taker{fail: func(r channel.Receipt) bool { return r.ID == "a-1" }}
			h := p.open(secret, s.take)
			now := beijing(time.Now())
			body := "[" + fmt.Sprintf(p.report, "a-1", now) + "," + fmt.Sprintf(p.report, "a-2", now) + "]"
			w := call(h, http.MethodPost, "/"+secret, body)
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.NotContains(t, w.Body.String(), ":0")
			require.Len(t, s.got, 1, "what comes after one that fails is not lost")

			s.fail = nil
			w = call(h, http.MethodPost, "/"+secret, body)
			require.Equal(t, p.taken, w.Body.String())
			require.Len(t, s.got, 3)
		})
	}
}

func TestPushedReportsThatNobodyKnowsEndAfterADay(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			h := p.open(secret, (&taker{fail: func(channel.Receipt) bool { return true }}).take)
			for ago, want := range map[time.Duration]int{23 * time.Hour: http.StatusServiceUnavailable, 25 * time.Hour: http.StatusOK} {
				body := "[" + fmt.Sprintf(p.report, "a-1", beijing(time.Now().Add(-ago))) + "]"
				require.Equal(t, want, call(h, http.MethodPost, "/"+secret, body).Code)
			}
		})
	}
}

func TestPushedReportsNeedTheSecret(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &taker{}
			h := p.open(secret, s.take)
			body := "[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "]"
			paths := []string{"/", "/x", "/" + secret + "/", "/" + secret + "/x", "/" + secret[1:], "/" + secret + secret, "/?" + secret,
				"/" + strings.ToLower(secret)}
			for i := range secret {
				wrong := []byte(secret)
				wrong[i] ^= 1
				paths = append(paths, "/"+string(wrong))
			}
			for _, path := range paths {
				w := call(h, http.MethodPost, path, body)
				require.Equal(t, http.StatusNotFound, w.Code, path)
				require.NotContains(t, w.Body.String(), secret)
			}
			require.Empty(t, s.got)
		})
	}
}

func TestPushedReportsCannotBeTakenWithoutASecret(t *testing.T) {
	take := (&taker{}).take
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			for _, bad := range []string{"", "short", secret[:15], secret + "/x", secret + " ", secret + "商", secret + "%41"} {
				require.Panics(t, func() { p.open(bad, take) }, bad)
			}
			require.Panics(t, func() { p.open(secret, nil) })
			require.NotPanics(t, func() { p.open(secret[:16], take) })
		})
	}
}

func TestPushedReportsThatAreNone(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &taker{}
			h := p.open(secret, s.take)
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
				w := call(h, method, "/"+secret, "[]")
				require.Equal(t, http.StatusMethodNotAllowed, w.Code)
				require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
			}
			for _, body := range []string{"", "null", "{}", `"x"`, "[1]", `[{"sid":[]`, "<html>"} {
				require.Equal(t, http.StatusBadRequest, call(h, http.MethodPost, "/"+secret, body).Code, body)
			}
			large := "[" + strings.Repeat(" ", 1<<20) + "]"
			require.Equal(t, http.StatusBadRequest, call(h, http.MethodPost, "/"+secret, large).Code)
			nothing := `[null,{},{"biz_id":"a"},{"sid":"a","report_status":"MAYBE"},{"success":true},{"report_status":"SUCCESS"}]`
			require.Equal(t, p.taken, call(h, http.MethodPost, "/"+secret, nothing).Body.String())
			require.Empty(t, s.got)
		})
	}
}

func TestACallThatIsCutOffReachesNoSink(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &taker{}
			w := httptest.NewRecorder()
			body := io.MultiReader(strings.NewReader("["+fmt.Sprintf(p.report, "a-1", "x")+"]"), brokenReader{})
			p.open(secret, s.take).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+secret, body))
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Empty(t, s.got)
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAliyunReports(t *testing.T) {
	tests := map[string]struct {
		fields string
		want   channel.Receipt
	}{
		"delivered":         {`"success":true,"err_code":"DELIVERED"`, channel.Receipt{Event: channel.Delivered, Code: "DELIVERED"}},
		"a word for true":   {`"success":"true"`, channel.Receipt{Event: channel.Delivered}},
		"opted out":         {`"success":false,"err_code":"MOBILE_IN_BLACK"`, channel.Receipt{Event: channel.Bounced, Code: "MOBILE_IN_BLACK", Kind: channel.InvalidRecipient}},
		"opted out as well": {`"success":false,"err_code":"USER_REJECT"`, channel.Receipt{Event: channel.Bounced, Code: "USER_REJECT", Kind: channel.InvalidRecipient}},
		"switched off, or not there": {`"success":false,"err_code":"MOBILE_NOT_ON_SERVICE"`,
			channel.Receipt{Event: channel.Bounced, Code: "MOBILE_NOT_ON_SERVICE", Kind: channel.Unreachable}},
		"refused for its words":   {`"success":false,"err_code":"CONTENT_KEYWORD"`, channel.Receipt{Event: channel.Bounced, Code: "CONTENT_KEYWORD", Kind: channel.Rejected}},
		"a carrier's code":        {`"success":false,"err_code":"MK:0001"`, channel.Receipt{Event: channel.Bounced, Code: "MK:0001", Kind: channel.Unreachable}},
		"a code that is a text":   {`"success":false,"err_code":"your code is 4711!"`, channel.Receipt{Event: channel.Bounced, Kind: channel.Unreachable}},
		"a code that is a number": {`"success":false,"err_code":17`, channel.Receipt{Event: channel.Bounced, Code: "17", Kind: channel.Unreachable}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.want.DeliveryID, tt.want.Provider, tt.want.ID = "ntf-0001", "aliyun", "900619746936498440^0"
			got, ok := sms.AliyunReceipts([]byte(`[{"biz_id":"900619746936498440^0","out_id":"ntf-0001","report_time":null,`+tt.fields+`}]`), time.Now())
			require.True(t, ok)
			require.Equal(t, []channel.Receipt{tt.want}, got)
		})
	}
}

func TestTencentReports(t *testing.T) {
	body := `[{"user_receive_time":"2015-10-17 08:03:04","nationcode":"86","mobile":"13800138000","report_status":"FAIL","errmsg":"MK:0001","description":"空号","sid":"5000:1"}]`
	got, ok := sms.TencentReceipts([]byte(body), time.Now())
	require.True(t, ok)
	require.Equal(t, []channel.Receipt{{
		Provider: "tencent", ID: "5000:1", Event: channel.Bounced, At: time.Date(2015, 10, 17, 0, 3, 4, 0, time.UTC), Code: "MK:0001",
		Kind: channel.Unreachable,
	}}, got)
	got, _ = sms.TencentReceipts([]byte(strings.Replace(body, "2015", "9015", 1)), time.Now())
	require.Zero(t, got[0].At, "a time to come is none")
}

func FuzzPushedReports(f *testing.F) {
	for _, p := range pushers {
		f.Add([]byte("[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "]"))
	}
	f.Add([]byte(`[{"sid":1,"report_status":"FAIL","errmsg":{}}]`))
	f.Add([]byte(`[{"out_id":true,"success":"false","err_code":"\u0000"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		now := time.Now()
		for _, read := range []func([]byte, time.Time) ([]channel.Receipt, bool){sms.AliyunReceipts, sms.TencentReceipts} {
			got, ok := read(body, now)
			require.True(t, ok || got == nil)
			for _, r := range got {
				require.True(t, r.ID != "" || r.DeliveryID != "")
				require.True(t, slices.Contains([]channel.Event{channel.Delivered, channel.Bounced}, r.Event))
				require.Equal(t, r.Event == channel.Bounced, r.Kind != "")
				require.False(t, r.At.After(now))
				require.LessOrEqual(t, len(r.Code), 100)
				require.NotContains(t, r.Code, "\n")
			}
		}
	})
}
