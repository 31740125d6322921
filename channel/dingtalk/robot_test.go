package dingtalk_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
)

func TestRobotPosts(t *testing.T) {
	g := &group{token: robotToken, secret: robotSecret}
	receipt, err := robotAt(g.serve(t)).Send(t.Context(), hello)
	require.NoError(t, err)
	require.Equal(t, channel.Sent, receipt.Event)
	require.Equal(t, "d-1", receipt.DeliveryID)
	require.Equal(t, "dingtalk", receipt.Provider)
	require.Len(t, g.posts, 1)
	require.JSONEq(t, `{"msgtype":"text","text":{"content":"The build has failed"}}`, string(g.posts[0]))
}

func TestRobotWithoutSecretDoesNotSign(t *testing.T) {
	g := &group{token: robotToken}
	srv := g.serve(t)
	r := dingtalk.NewRobot(robotToken, &dingtalk.Options{BaseURL: srv.URL + "/", Client: srv.Client()})
	_, err := r.Send(t.Context(), hello)
	require.NoError(t, err)
	require.Equal(t, []string{" "}, g.signs)
}

func TestRobotSignsEachAttemptAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{token: robotToken, secret: robotSecret}
		r := dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: robotSecret, Client: &http.Client{Transport: local{g}}})
		for range 2 {
			_, err := r.Send(t.Context(), hello)
			require.NoError(t, err)
			time.Sleep(2 * time.Hour)
		}
		require.Len(t, g.signs, 2)
		require.NotEqual(t, g.signs[0], g.signs[1])
	})
}

func TestRobotNeedsAWholeConfiguration(t *testing.T) {
	tests := map[string]struct {
		token string
		o     *dingtalk.Options
		want  error
	}{
		"a token will do":                   {token: robotToken},
		"a token, a secret and a base URL":  {token: robotToken, o: &dingtalk.Options{Secret: robotSecret, BaseURL: "https://oapi.dingtalk.io"}},
		"no token":                          {want: channel.Misconfigured},
		"the whole URL instead of a token":  {token: "https://oapi.dingtalk.com/robot/send?access_token=" + robotToken, want: channel.Misconfigured},
		"a secret with its line's end":      {token: robotToken, o: &dingtalk.Options{Secret: robotSecret + "\n"}, want: channel.Misconfigured},
		"a base URL that is none":           {token: robotToken, o: &dingtalk.Options{BaseURL: "oapi.dingtalk.com"}, want: channel.Misconfigured},
		"the webhook's URL as the base URL": {token: robotToken, o: &dingtalk.Options{BaseURL: "https://oapi.dingtalk.com/robot/send?access_token=" + robotToken}, want: channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := channel.Valid(dingtalk.NewRobot(tt.token, tt.o))
			require.ErrorIs(t, err, tt.want)
			if err != nil {
				require.NotContains(t, err.Error(), robotToken)
				require.NotContains(t, err.Error(), robotSecret)
			}
		})
	}
}

func TestRobotIsAGroupChannelWithTwentyMessagesAMinute(t *testing.T) {
	r := dingtalk.NewRobot(robotToken, nil)
	require.Equal(t, channel.None, channel.AddressKind(r))
	limits := channel.LimitsOf(r)
	require.InDelta(t, 20, limits.Rate*60, 1e-9)
	require.Equal(t, 1, limits.Burst, "a burst on top of the rate would be more than 20 in some minute")
}

func TestRobotUsesTheRetryAfterHeader(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "90")
		answer(w, 130101, "send too fast, exceed 20 times per minute")
	})
	r := dingtalk.NewRobot(robotToken, &dingtalk.Options{Client: &http.Client{Transport: local{h}}})
	_, err := r.Send(t.Context(), hello)
	var e *channel.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 90*time.Second, e.RetryAfter)
}

func TestRobotErrorsTellNothing(t *testing.T) {
	echoing := says(`{"errcode":999999,"errmsg":"` + robotToken + ` ` + robotSecret + ` The build has failed 13912345678"}`)
	r := dingtalk.NewRobot(robotToken, &dingtalk.Options{Secret: robotSecret, Client: &http.Client{Transport: local{echoing}}})
	_, err := r.Send(t.Context(), hello)
	require.ErrorIs(t, err, channel.Uncertain)
	for _, secret := range []string{robotToken, robotSecret, "build", "13912345678", "oapi"} {
		require.NotContains(t, err.Error(), secret)
	}
}
