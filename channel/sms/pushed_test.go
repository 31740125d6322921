package sms_test

import (
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
	"github.com/e7ddda3c/notify/channel/httphook"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

const secret = "XVNPF3QKJ5T6WD2RZ4HYBM7CLE"

// The vendors that push unsigned reports, each with the answer to a call that was taken.
var pushers = map[string]struct {
	open          func(secret string, sink httphook.Sink) http.Handler
	report, taken string // report: with %s for the id and the time
}{
	"aliyun": {aliyun.Callback,
		`{"phone_number":"13800138000","send_time":"2024-01-02 11:04:06","report_time":"%[2]s","success":true,"err_code":"DELIVERED","err_msg":"ok","sms_size":"1","biz_id":"%[1]s","out_id":"ntf-0001"}`,
		`{"code":0,"msg":"ok"}`},
	"tencent": {tencent.Callback,
		`{"user_receive_time":"%[2]s","nationcode":"86","mobile":"13800138000","report_status":"SUCCESS","errmsg":"DELIVRD","description":"用户短信送达成功","sid":"%[1]s"}`,
		`{"result":0,"errmsg":"OK"}`},
}

func beijing(t time.Time) string { return t.In(time.FixedZone("", 8*60*60)).Format(time.DateTime) }

func TestPushedReportsReachTheSink(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &smstest.Sink{}
			h := p.open(secret, s.Take)
			body := "[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "," + fmt.Sprintf(p.report, "a-2", "never") + "]"
			w := smstest.Call(h, http.MethodPost, "/hooks/x/"+secret, body)
			require.Equal(t, http.StatusOK, w.Code)
			require.Equal(t, p.taken, w.Body.String())
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			require.Len(t, s.Got, 2)
			require.Equal(t, "a-1", s.Got[0].ID)
			require.Equal(t, name, s.Got[0].Provider)
			require.Equal(t, channel.Delivered, s.Got[0].Event)
			require.Equal(t, time.Date(2024, 1, 2, 3, 4, 9, 0, time.UTC), s.Got[0].At)
			require.Zero(t, s.Got[1].At)

			require.Equal(t, p.taken, smstest.Call(h, http.MethodPost, "/"+secret, "[]").Body.String())
		})
	}
}

func TestPushedReportsAreBroughtAgainUntilAllAreTaken(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &smstest.Sink{Fail: func(r channel.Receipt) bool { return r.ID == "a-1" }}
			h := p.open(secret, s.Take)
			now := beijing(time.Now())
			body := "[" + fmt.Sprintf(p.report, "a-1", now) + "," + fmt.Sprintf(p.report, "a-2", now) + "]"
			w := smstest.Call(h, http.MethodPost, "/"+secret, body)
			require.Equal(t, http.StatusServiceUnavailable, w.Code)
			require.NotContains(t, w.Body.String(), ":0")
			require.Len(t, s.Got, 1, "what comes after one that fails is not lost")

			s.Fail = nil
			w = smstest.Call(h, http.MethodPost, "/"+secret, body)
			require.Equal(t, p.taken, w.Body.String())
			require.Len(t, s.Got, 3)
		})
	}
}

func TestPushedReportsThatNobodyKnowsEndAfterADay(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			h := p.open(secret, (&smstest.Sink{Fail: func(channel.Receipt) bool { return true }}).Take)
			for ago, want := range map[time.Duration]int{23 * time.Hour: http.StatusServiceUnavailable, 25 * time.Hour: http.StatusOK} {
				body := "[" + fmt.Sprintf(p.report, "a-1", beijing(time.Now().Add(-ago))) + "]"
				require.Equal(t, want, smstest.Call(h, http.MethodPost, "/"+secret, body).Code)
			}
		})
	}
}

func TestPushedReportsNeedTheSecret(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &smstest.Sink{}
			h := p.open(secret, s.Take)
			body := "[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "]"
			paths := []string{"/", "/x", "/" + secret + "/", "/" + secret + "/x", "/" + secret[1:], "/" + secret + secret, "/?" + secret,
				"/" + strings.ToLower(secret)}
			for i := range secret {
				wrong := []byte(secret)
				wrong[i] ^= 1
				paths = append(paths, "/"+string(wrong))
			}
			for _, path := range paths {
				w := smstest.Call(h, http.MethodPost, path, body)
				require.Equal(t, http.StatusNotFound, w.Code, path)
				require.NotContains(t, w.Body.String(), secret)
			}
			require.Empty(t, s.Got)
		})
	}
}

func TestPushedReportsCannotBeTakenWithoutASecret(t *testing.T) {
	take := (&smstest.Sink{}).Take
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
			s := &smstest.Sink{}
			h := p.open(secret, s.Take)
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead} {
				w := smstest.Call(h, method, "/"+secret, "[]")
				require.Equal(t, http.StatusMethodNotAllowed, w.Code)
				require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
			}
			for _, body := range []string{"", "null", "{}", `"x"`, "[1]", `[{"sid":[]`, "<html>"} {
				require.Equal(t, http.StatusBadRequest, smstest.Call(h, http.MethodPost, "/"+secret, body).Code, body)
			}
			large := "[" + strings.Repeat(" ", 1<<20) + "]"
			require.Equal(t, http.StatusBadRequest, smstest.Call(h, http.MethodPost, "/"+secret, large).Code)
			nothing := `[null,{},{"biz_id":"a"},{"sid":"a","report_status":"MAYBE"},{"success":true},{"report_status":"SUCCESS"}]`
			require.Equal(t, p.taken, smstest.Call(h, http.MethodPost, "/"+secret, nothing).Body.String())
			require.Empty(t, s.Got)
		})
	}
}

func TestACallThatIsCutOffReachesNoSink(t *testing.T) {
	for name, p := range pushers {
		t.Run(name, func(t *testing.T) {
			s := &smstest.Sink{}
			w := httptest.NewRecorder()
			body := io.MultiReader(strings.NewReader("["+fmt.Sprintf(p.report, "a-1", "x")+"]"), brokenReader{})
			p.open(secret, s.Take).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+secret, body))
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Empty(t, s.Got)
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzPushedReports(f *testing.F) {
	for _, p := range pushers {
		f.Add([]byte("[" + fmt.Sprintf(p.report, "a-1", "2024-01-02 11:04:09") + "]"))
	}
	f.Add([]byte(`[{"sid":1,"report_status":"FAIL","errmsg":{}}]`))
	f.Add([]byte(`[{"out_id":true,"success":"false","err_code":"\u0000"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range pushers {
			s := &smstest.Sink{}
			w := smstest.Call(p.open(secret, s.Take), http.MethodPost, "/"+secret, string(body))
			require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
			require.True(t, w.Code == http.StatusOK || s.Got == nil)
			for _, r := range s.Got {
				require.True(t, r.ID != "" || r.DeliveryID != "")
				require.True(t, slices.Contains([]channel.Event{channel.Delivered, channel.Bounced}, r.Event))
				require.Equal(t, r.Event == channel.Bounced, r.Kind != "")
				require.False(t, r.At.After(time.Now()))
				require.LessOrEqual(t, len(r.Code), 100)
				require.NotContains(t, r.Code, "\n")
			}
		}
	})
}
