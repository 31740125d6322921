package sms_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/sms"
)

func TestE164(t *testing.T) {
	tests := map[string]struct{ number, want string }{
		"takes E.164 as it is":                      {"+8613800138000", "+8613800138000"},
		"drops spaces and hyphens":                  {"+86 138-0013-8000", "+8613800138000"},
		"drops brackets and dots":                   {"+1 (500) 555.0006", "+15005550006"},
		"reads 00 as +":                             {"00 852 6123 4567", "+85261234567"},
		"knows a mobile number of mainland China":   {"13800138000", "+8613800138000"},
		"knows it with hyphens":                     {"199-0013-8000", "+8619900138000"},
		"takes the longest number":                  {"+123456789012345", "+123456789012345"},
		"takes the shortest number":                 {"+12", "+12"},
		"refuses nothing":                           {"", ""},
		"refuses a word":                            {"phone", ""},
		"refuses a number that is too long":         {"+1234567890123456", ""},
		"refuses a lone country code":               {"+1", ""},
		"refuses a country code that begins with 0": {"+0123456789", ""},
		"refuses 000":                               {"0008613800138000", ""},
		"guesses no country":                        {"5005550006", ""},
		"guesses no plus":                           {"8613800138000", ""},
		"knows no mobile number that begins 12":     {"12800138000", ""},
		"knows no mobile number of 12 digits":       {"138001380001", ""},
		"guesses no landline of mainland China":     {"01012345678", ""},
		"dials no zero in brackets":                 {"+44 (0)20 7946 0958", ""},
		"refuses a letter":                          {"+1500555O006", ""},
		"refuses a second plus":                     {"++15005550006", ""},
		"refuses two numbers":                       {"+15005550006,+15005550007", ""},
		"refuses a line break":                      {"+15005550006\r\n", ""},
		"refuses a tab":                             {"+1\t5005550006", ""},
		"refuses digits of another script":          {"+١٥٠٠٥٥٥٠٠٠٦", ""},
		"refuses a full-width plus":                 {"＋15005550006", ""},
		"refuses an extension":                      {"+15005550006x12", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := sms.E164(tt.number)
			require.Equal(t, tt.want, got)
			if tt.want != "" {
				require.NoError(t, err)
				return
			}
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, channel.InvalidRecipient, e.Kind)
			require.Equal(t, "to", e.Field)
			if len(tt.number) > 3 {
				require.NotContains(t, err.Error(), tt.number)
			}
		})
	}
}

func TestMainland(t *testing.T) {
	tests := map[string]struct {
		mainland bool
		mobile   string // "" if the number is not a mobile number of mainland China
	}{
		"+8613800138000":  {true, "13800138000"},
		"+8619900138000":  {true, "19900138000"},
		"+861012345678":   {true, ""},
		"+8612800138000":  {true, ""},
		"+86138001380001": {true, ""},
		"+85261234567":    {false, ""},
		"+13800138000":    {false, ""},
		"13800138000":     {false, ""},
	}
	for number, tt := range tests {
		require.Equal(t, tt.mainland, sms.Mainland(number), number)
		national, ok := sms.MainlandMobile(number)
		require.Equal(t, tt.mobile, national, number)
		require.Equal(t, tt.mobile != "", ok, number)
	}
}

func FuzzE164(f *testing.F) {
	for _, seed := range []string{"+8613800138000", "138 0013 8000", "0085261234567", "(+1) 500-555.0006", "+44 (0)20", "", "00", "+", "١", "\x00"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`^\+[1-9]\d{1,14}$`)
	keep := regexp.MustCompile(`[^0-9]`)
	f.Fuzz(func(t *testing.T, number string) {
		got, err := sms.E164(number)
		if err != nil {
			require.Empty(t, got)
			require.ErrorIs(t, err, channel.InvalidRecipient)
			return
		}
		require.Regexp(t, form, got)
		again, err := sms.E164(got)
		require.NoError(t, err)
		require.Equal(t, got, again)
		digits := strings.TrimPrefix(keep.ReplaceAllString(number, ""), "00")
		require.Contains(t, []string{"+" + digits, "+86" + digits}, got, "no digit is added but a country code, and none is lost")
	})
}
