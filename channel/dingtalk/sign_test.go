package dingtalk_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

// vectors were computed with Python's hmac module and with openssl.
var vectors = map[string]struct {
	ms           int64
	secret       string
	want, asSent string
}{
	"a short secret": {
		ms: 1700000000000, secret: "SECtestsecret",
		want:   "7LVwF0dAF3/+MRRulbpE4y72Ogzykc6bS2nG4I99T4s=",
		asSent: "7LVwF0dAF3%2F%2BMRRulbpE4y72Ogzykc6bS2nG4I99T4s%3D",
	},
	"a secret as DingTalk makes them": {
		ms: 1700000000003, secret: "SEC000000000000000000000000000000000000000000000000000000000000test",
		want:   "42MxwdUWYKAMB/aow20g+8ed1a3MoexuJhHIlRsVP+4=",
		asSent: "42MxwdUWYKAMB%2Faow20g%2B8ed1a3MoexuJhHIlRsVP%2B4%3D",
	},
}

func TestSignVectors(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			got := dingtalk.Sign(v.ms, v.secret)
			require.Equal(t, v.want, got)
			require.Equal(t, "sign="+v.asSent, url.Values{"sign": {got}}.Encode())
		})
	}
}

func TestSignDependsOnEveryBit(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			for bit := range 40 {
				require.NotEqual(t, v.want, dingtalk.Sign(v.ms^1<<bit, v.secret), "bit %d of the time", bit)
			}
			for bit := range 8 * len(v.secret) {
				require.NotEqual(t, v.want, dingtalk.Sign(v.ms, flip(v.secret, bit)), "bit %d of the secret", bit)
			}
		})
	}
}

func TestSignatureWithOneBitChangedIsRefused(t *testing.T) {
	g := &group{token: robotToken, secret: robotSecret}
	flipped := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		q.Set("sign", flip(q.Get("sign"), 3))
		r.URL.RawQuery = q.Encode()
		g.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(flipped)
	t.Cleanup(srv.Close)

	_, err := robotAt(srv).Send(t.Context(), hello)
	require.ErrorIs(t, err, channel.Misconfigured)
	require.Empty(t, g.posts)
}

func flip(s string, bit int) string {
	b := []byte(s)
	b[bit/8] ^= 1 << (bit % 8)
	return string(b)
}
