package sms

import (
	"strings"
	"unicode/utf16"
)

// An Encoding is an alphabet in which networks carry text.
type Encoding string

// The encodings of 3GPP TS 23.038.
const (
	GSM7 Encoding = "GSM-7" // units are septets, of which '^', '{', '}', '\', '[', '~', ']', '|', '€' and form feed take two
	UCS2 Encoding = "UCS-2" // units are UTF-16 code units, of which a character beyond the basic plane, such as an emoji, takes two
)

// A Size is the length of a text on a network.
type Size struct {
	Encoding Encoding
	Units    int
	Segments int // messages of the network, at least one; each is billed
}

// The alphabet of GSM-7 without the escape character, and the characters that follow an escape.
const (
	gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsm7Escaped = "^{}\\[~]|€\f"
)

// Segments measures text as networks outside mainland China bill it. One message holds 160 units of GSM-7, or 153 as one part of
// several. A text with any other character travels in UCS-2, where a message holds 70 units, or 67 as a part. No character is split
// over two parts.
func Segments(text string) Size {
	for _, r := range text {
		if septets(r) == 0 {
			return ucs2(text)
		}
	}
	units, segments := pack(text, septets, 160, 153)
	return Size{Encoding: GSM7, Units: units, Segments: segments}
}

// MainlandSegments measures text as the operators of mainland China bill it: every character counts alike, 70 in one message, or
// 67 in each part of several. The operators also count the signature with its brackets 【】 and any opt-out words, so text must include
// them.
func MainlandSegments(text string) Size { return ucs2(text) }

func ucs2(text string) Size {
	units, segments := pack(text, utf16.RuneLen, 70, 67)
	return Size{Encoding: UCS2, Units: units, Segments: segments}
}

// septets returns the units of r in GSM-7, or 0 for a character outside that alphabet.
func septets(r rune) int {
	switch {
	case strings.ContainsRune(gsm7, r):
		return 1
	case strings.ContainsRune(gsm7Escaped, r):
		return 2
	}
	return 0
}

// pack counts the units of text, and fills parts one by one: a division by the size of a part would split characters of two units.
func pack(text string, width func(rune) int, single, part int) (units, segments int) {
	room := 0
	for _, r := range text {
		w := width(r)
		if w > room {
			segments++
			room = part
		}
		units += w
		room -= w
	}
	if units <= single {
		segments = 1
	}
	return units, segments
}
