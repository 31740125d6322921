package sms

import (
	"errors"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// E164 returns number in the form of ITU-T E.164: '+', country code and subscriber, at most 15 digits, such as "+8613800138000".
//
//   - Spaces, '-', '(', ')' and '.' are dropped.
//   - A leading "00" is read as '+'.
//   - 11 digits that begin with 13 to 19 are a mobile number of mainland China.
//
// Nothing more is guessed: any other number needs its '+' or "00", and "+44 (0)20…" is refused, because its zero must not be
// dialled. The error is [channel.InvalidRecipient] with Field "to", and does not repeat the number.
func E164(number string) (string, error) {
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -().", r) {
			return -1
		}
		return r
	}, number)
	switch {
	case strings.HasPrefix(s, "00"):
		s = "+" + s[2:]
	case mobile(s):
		s = "+86" + s
	}
	if len(s) < 3 || len(s) > 16 || s[0] != '+' || s[1] == '0' || !digits(s[1:]) || strings.Contains(number, "(0)") {
		err := errors.New("sms: must be a number with '+' and country code")
		return "", &channel.Error{Kind: channel.InvalidRecipient, Field: "to", Err: err}
	}
	return s, nil
}

// Mainland reports whether an E.164 number is one of mainland China. No other country's code begins with 86.
func Mainland(e164 string) bool { return strings.HasPrefix(e164, "+86") }

// MainlandMobile returns the 11 digits of a mobile number of mainland China, as they are dialled there. For any other E.164 number ok
// is false.
func MainlandMobile(e164 string) (national string, ok bool) {
	national = strings.TrimPrefix(e164, "+86")
	if !Mainland(e164) || !mobile(national) {
		return "", false
	}
	return national, true
}

// mobile reports whether s is a mobile number as dialled within mainland China.
func mobile(s string) bool {
	return len(s) == 11 && s[0] == '1' && s[1] >= '3' && digits(s)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
