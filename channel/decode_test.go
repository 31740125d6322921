package channel_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel"
)

type extra struct {
	Sound string `json:"sound"`
	At    struct {
		Mobiles []string `json:"mobiles"`
		All     bool     `json:"all"`
	} `json:"at"`
	Buttons []struct {
		Title string `json:"title"`
	} `json:"buttons"`
}

func TestDecodeReadsExtra(t *testing.T) {
	got, err := channel.Decode[extra](json.RawMessage(`{"sound":"bell","at":{"mobiles":["138"],"all":true}}`))
	require.NoError(t, err)
	require.Equal(t, "bell", got.Sound)
	require.Equal(t, []string{"138"}, got.At.Mobiles)
}

func TestDecodeOfNothingIsZero(t *testing.T) {
	for _, nothing := range []json.RawMessage{nil, {}, []byte("null"), []byte("{}"), []byte(" {} ")} {
		got, err := channel.Decode[extra](nothing)
		require.NoError(t, err)
		require.Zero(t, got)
	}
}

func TestDecodeNamesTheField(t *testing.T) {
	tests := map[string]struct{ extra, want string }{
		"unknown":                    {`{"sond":"bell"}`, "extra.sond"},
		"unknown, further down":      {`{"at":{"mobile":[]}}`, "extra.at.mobile"},
		"unknown, in an array":       {`{"buttons":[{"title":"a"},{"label":"b"}]}`, "extra.buttons[1].label"},
		"unknown here, known there":  {`{"title":"x","buttons":[{"title":"a"}]}`, "extra.title"},
		"unknown with a quote in it": {`{"so\"und":1}`, `extra.so"und`},
		"wrong type":                 {`{"sound":1}`, "extra.sound"},
		"wrong type, further down":   {`{"at":{"all":"yes"}}`, "extra.at.all"},
		"wrong type, in an array":    {`{"at":{"mobiles":[138]}}`, "extra.at.mobiles"},
		"wrong type, a long number":  {`{"sound":12345678901234567890}`, "extra.sound"},
		"no object":                  {`["bell"]`, "extra"},
		"no JSON":                    {`{"sound"`, "extra"},
		"two values":                 {`{} {}`, "extra"},
		"a value and rubbish":        {`{} x`, "extra"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := channel.Decode[extra](json.RawMessage(tt.extra))
			require.Zero(t, got)
			require.ErrorIs(t, err, channel.Rejected)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.want, e.Field)
		})
	}
}

func TestDecodeDoesNotRepeatTheValue(t *testing.T) {
	for _, in := range []string{`{"sound":13812345678}`, `{"at":"13812345678"}`, `{"sound":"13812345678"`, `{"buttons":[13812345678]}`} {
		_, err := channel.Decode[extra](json.RawMessage(in))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "13812345678")
	}
}

// A strange type refuses all JSON with an error of package encoding/json in which every field is empty.
type strange struct{}

func (*strange) UnmarshalJSON([]byte) error { return &json.UnmarshalTypeError{} }

func TestDecodeSurvivesATypesOwnErrors(t *testing.T) {
	_, err := channel.Decode[strange](json.RawMessage(`{}`))
	require.ErrorIs(t, err, channel.Rejected)
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{"sound":"bell","at":{"mobiles":["138"],"all":true},"buttons":[{"title":"a"}]}`, `{"at":{"mobile":[]}}`,
		`{"sound":1e999}`, `{"so\"und":1}`, `[[[[`, "{\"\xff\":1}", `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := channel.Decode[extra](in)
		if err != nil {
			require.Zero(t, got)
			var e *channel.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, channel.Rejected, e.Kind)
			require.Regexp(t, `^extra($|[.\[])`, e.Field)
			return
		}
		if len(in) == 0 {
			return
		}
		again, err := json.Marshal(got)
		require.NoError(t, err)
		same, err := channel.Decode[extra](again)
		require.NoError(t, err)
		require.Equal(t, got, same)
	})
}
