package sms_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/internal/smstest"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

// templates are good for every vendor.
var templates = sms.Templates{"hello": {ID: "1000002", Sign: "商店"}}

func TestCredentialsThatCannotBeHadAreNotSentWith(t *testing.T) {
	own := errors.New("no key today")
	tests := map[string]struct {
		fail error
		want channel.Kind
	}{
		"is temporary":                 {own, channel.Temporary},
		"is temporary after a timeout": {fmt.Errorf("%w: %w", context.DeadlineExceeded, own), channel.Temporary},
		"keeps its kind":               {fmt.Errorf("%w: %w", channel.Misconfigured, own), channel.Misconfigured},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			none := func(context.Context) (sms.Credentials, error) { return sms.Credentials{}, tt.fail }
			for _, g := range []sms.Gateway{
				aliyun.New("", "", &aliyun.Options{Templates: templates, Credentials: none}),
				tencent.New("", "", "1400000000", &tencent.Options{Templates: templates, Credentials: none}),
			} {
				c := sms.New(g, nil)
				require.NoError(t, channel.Valid(c))
				_, err := c.Send(t.Context(), smstest.Approved("+8613800138000", "hello"))
				require.Equal(t, tt.want, channel.KindOf(err))
				require.ErrorIs(t, err, own)
			}
		})
	}
}

func TestCredentialsThatCannotSignAreMisconfigured(t *testing.T) {
	for name, k := range map[string]sms.Credentials{
		"without an ID":               {Secret: "secret"},
		"without a secret":            {ID: "id"},
		"with the end of a line":      {ID: "id\n", Secret: "secret"},
		"with a space in their token": {ID: "id", Secret: "secret", Token: "a b"},
	} {
		t.Run(name, func(t *testing.T) {
			given := func(context.Context) (sms.Credentials, error) { return k, nil }
			const nobody = "http://127.0.0.1:1"
			for _, g := range []sms.Gateway{
				aliyun.New("", "", &aliyun.Options{Templates: templates, Credentials: given, BaseURL: nobody}),
				tencent.New("", "", "1400000000", &tencent.Options{Templates: templates, Credentials: given, BaseURL: nobody}),
			} {
				_, err := sms.New(g, nil).Send(t.Context(), smstest.Approved("+8613800138000", "hello"))
				require.ErrorIs(t, err, channel.Misconfigured)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	fixed := sms.Credentials{ID: "id", Secret: "secret"}
	temporary := sms.Credentials{ID: "sts", Secret: "secret", Token: "token"}
	k, err := sms.Keys("acme", fixed, nil)(t.Context())
	require.NoError(t, err)
	require.Equal(t, fixed, k)

	k, err = sms.Keys("acme", fixed, func(context.Context) (sms.Credentials, error) { return temporary, nil })(t.Context())
	require.NoError(t, err)
	require.Equal(t, temporary, k)

	k, err = sms.Keys("acme", sms.Credentials{ID: "id"}, nil)(t.Context())
	require.EqualError(t, err, "acme: credentials: must have an ID and a secret, without white space (misconfigured)")
	require.Zero(t, k)
}
