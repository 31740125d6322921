package sms_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/sms"
)

func TestSegments(t *testing.T) {
	tests := map[string]struct {
		text            string
		encoding        sms.Encoding
		units, segments int
	}{
		"an empty text is one":                   {"", sms.GSM7, 0, 1},
		"160 letters fit one":                    {strings.Repeat("a", 160), sms.GSM7, 160, 1},
		"161 letters do not":                     {strings.Repeat("a", 161), sms.GSM7, 161, 2},
		"306 letters fit two":                    {strings.Repeat("a", 306), sms.GSM7, 306, 2},
		"307 letters do not":                     {strings.Repeat("a", 307), sms.GSM7, 307, 3},
		"80 escaped characters fit one":          {strings.Repeat("€", 80), sms.GSM7, 160, 1},
		"81 escaped characters do not":           {strings.Repeat("€", 81), sms.GSM7, 162, 2},
		"an escape is not split":                 {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), sms.GSM7, 306, 3},
		"70 characters fit one":                  {strings.Repeat("你", 70), sms.UCS2, 70, 1},
		"71 characters do not":                   {strings.Repeat("你", 71), sms.UCS2, 71, 2},
		"134 characters fit two":                 {strings.Repeat("你", 134), sms.UCS2, 134, 2},
		"135 characters do not":                  {strings.Repeat("你", 135), sms.UCS2, 135, 3},
		"35 emoji fit one":                       {strings.Repeat("😀", 35), sms.UCS2, 70, 1},
		"36 emoji do not":                        {strings.Repeat("😀", 36), sms.UCS2, 72, 2},
		"a surrogate pair is not split":          {strings.Repeat("a", 66) + "😀" + strings.Repeat("你", 66), sms.UCS2, 134, 3},
		"a typographic apostrophe is not GSM-7":  {"It’s", sms.UCS2, 4, 1},
		"a backtick is not GSM-7":                {"`", sms.UCS2, 1, 1},
		"a small c with cedilla is not GSM-7":    {"ç", sms.UCS2, 1, 1},
		"a tab is not GSM-7":                     {"\t", sms.UCS2, 1, 1},
		"a capital c with cedilla is GSM-7":      {"Ç", sms.GSM7, 1, 1},
		"a line break is GSM-7":                  {"a\r\nb", sms.GSM7, 4, 1},
		"every escaped character takes two":      {"^{}\\[~]|€\f", sms.GSM7, 20, 1},
		"an escape character alone is not GSM-7": {"\x1b", sms.UCS2, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, sms.Size{Encoding: tt.encoding, Units: tt.units, Segments: tt.segments}, sms.Segments(tt.text))
		})
	}
}

func TestTheDefaultAlphabetHas127Characters(t *testing.T) {
	single, double := 0, 0
	for r := range rune(0x10000) {
		switch s := sms.Segments(string(r)); {
		case s.Encoding == sms.GSM7 && s.Units == 1:
			single++
		case s.Encoding == sms.GSM7 && s.Units == 2:
			double++
		}
	}
	require.Equal(t, 127, single, "128 code points less the escape character")
	require.Equal(t, 10, double)
}

func TestMainlandSegments(t *testing.T) {
	tests := map[string]struct {
		text            string
		units, segments int
	}{
		"70 letters fit one":            {strings.Repeat("a", 70), 70, 1},
		"71 letters do not":             {strings.Repeat("a", 71), 71, 2},
		"134 characters fit two":        {"【签名】" + strings.Repeat("a", 130), 134, 2},
		"135 do not":                    {"【签名】" + strings.Repeat("a", 131), 135, 3},
		"an escaped character is one":   {"€", 1, 1},
		"a surrogate pair is not split": {strings.Repeat("a", 66) + "😀" + strings.Repeat("a", 66), 134, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, sms.Size{Encoding: sms.UCS2, Units: tt.units, Segments: tt.segments}, sms.MainlandSegments(tt.text))
		})
	}
}

func FuzzSegments(f *testing.F) {
	for _, seed := range []string{"", "hello", "€", "你好", "😀", "\x1b", "\xff", strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, m := sms.Segments(text), sms.MainlandSegments(text)
		require.Equal(t, len(utf16.Encode([]rune(text))), m.Units)
		require.GreaterOrEqual(t, s.Units, utf8.RuneCountInString(text))
		if s.Encoding == sms.UCS2 {
			require.Equal(t, m, s)
		}
		within(t, s.Units, s.Segments, map[sms.Encoding][2]int{sms.GSM7: {160, 153}, sms.UCS2: {70, 67}}[s.Encoding])
		within(t, m.Units, m.Segments, [2]int{70, 67})
		require.GreaterOrEqual(t, sms.Segments(text+"a").Segments, s.Segments, "a longer text takes no fewer")
	})
}

// within checks that segments can hold units, and that no more than one unit is lost at each end.
func within(t *testing.T, units, segments int, size [2]int) {
	if units <= size[0] {
		require.Equal(t, 1, segments)
		return
	}
	require.LessOrEqual(t, units, segments*size[1])
	require.Greater(t, units, (segments-1)*(size[1]-1))
}
