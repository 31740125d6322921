package websocket_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/websocket"
)

// For any bytes from a client, hooks get only valid messages within the limit, and the connection ends with the client.
func FuzzClientFrames(f *testing.F) {
	f.Add(masked(0x1, "hello, 世界"))
	f.Add(append(masked(0x9, "ping"), masked(0x2, "\xff")...))
	f.Add(masked(0x8, "\x03\xe8bye"))
	f.Add(masked(0x8, ""))
	f.Add(masked(0x1, "\xff"))
	f.Add(masked(0x2, strings.Repeat("x", 200)))
	f.Add([]byte("\x01\x81\x00\x00\x00\x00\xc3\x89\x80\x00\x00\x00\x00\x80\x81\x00\x00\x00\x00\xa9")) // é in two parts around a ping
	f.Add([]byte("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04xx"))
	f.Add([]byte("\xf1\x81\x01\x02\x03\x04x"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		const limit = 100
		hub := websocket.New(auth, &websocket.Options{
			ReadLimit: limit,
			OnMessage: func(_ context.Context, _ *websocket.Conn, m websocket.Incoming) {
				if len(m.Data) > limit || !m.Binary && !utf8.Valid(m.Data) {
					t.Errorf("a hook got %q", m.Data)
				}
			},
		})
		ours, theirs := net.Pipe()
		hub.ServeHTTP(piped{httptest.NewRecorder(), theirs, nil}, upgradeRequest(http.Header{"Authorization": {"Bearer ann"}}))
		require.Equal(t, 1, hub.Stats().Connections)
		read := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.Copy(io.Discard, ours)
		}()
		_, _ = ours.Write(sent)
		_ = ours.Close()
		<-read
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
		defer cancel()
		require.NoError(t, hub.Close(ctx))
	})
}

// A frame that can be decoded is encoded as the same frame again.
func FuzzFrame(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"message","id":"d-1","title":"Hi","text":"<b>你好</b>","url":"/x?a=1&b=2","data":{"n":9007199254740993}}`))
	f.Add([]byte(`{"v":1,"type":"count","data":{"unread":3}}`))
	f.Add([]byte(`{"v":1}`))
	f.Add([]byte(`{"v":2,"type":"message"}`))
	f.Add([]byte(`{"v":1,"type":"pigeon"}`))
	f.Add([]byte(`{"v":1,"data": null,"extra":[]}`))
	f.Add([]byte("{\"v\":1,\"text\":\"\\ud800\xff\"}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var frame websocket.Frame
		if json.Unmarshal(b, &frame) != nil {
			return
		}
		out, err := json.Marshal(frame)
		if err != nil {
			require.NotContains(t, []websocket.FrameType{"", websocket.Message, websocket.Desktop, websocket.Count}, frame.Type)
			return
		}
		var again websocket.Frame
		require.NoError(t, json.Unmarshal(out, &again))
		if frame.Type == "" {
			frame.Type = websocket.Message
		}
		if len(frame.Data) > 0 {
			require.JSONEq(t, string(frame.Data), string(again.Data))
			frame.Data, again.Data = nil, nil
		}
		require.Equal(t, frame, again)
	})
}

func TestFramesOfOtherVersions(t *testing.T) {
	tests := map[string]struct {
		in string
		ok bool
	}{
		"a newer version":                 {`{"v":2,"type":"message"}`, false},
		"no version":                      {`{"type":"message"}`, false},
		"a type that is new":              {`{"v":1,"type":"pigeon"}`, true},
		"a field that is new":             {`{"v":1,"type":"message","sound":"ping"}`, true},
		"another type of JSON":            {`[1]`, false},
		"a field with a type not its own": {`{"v":1,"title":7}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var f websocket.Frame
			require.Equal(t, test.ok, json.Unmarshal([]byte(test.in), &f) == nil)
		})
	}
}
