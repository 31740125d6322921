package sms_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/e7ddda3c/notify/channel/sms"
)

func TestTemplatesWithSign(t *testing.T) {
	given := sms.Templates{"a": {ID: "1"}, "b": {ID: "2", Sign: "Shop"}}
	signed := given.WithSign("House")
	require.Equal(t, sms.Templates{"a": {ID: "1", Sign: "House"}, "b": {ID: "2", Sign: "Shop"}}, signed)
	require.Empty(t, given["a"].Sign, "the given templates are not changed")
	require.NotNil(t, sms.Templates(nil).WithSign("House"), "an approved text is required, even without templates")
}

func TestTemplatesAreChecked(t *testing.T) {
	tests := map[string]struct {
		templates     sms.Templates
		valid, signed string // "" without an error
	}{
		"good":                {sms.Templates{"a": {ID: "1", Sign: "Shop", Params: []string{"x", "y"}}}, "", ""},
		"none":                {nil, "Templates is required", ""},
		"without a signature": {sms.Templates{"b": {ID: "1"}, "a": {ID: "1"}}, "", `template "a": Sign is required`},
		"without an ID":       {sms.Templates{"a": {ID: "1", Sign: "Shop"}, "b": {Sign: "Shop"}}, `template "b": ID is required`, ""},
		"with a name twice": {
			sms.Templates{"a": {ID: "1", Sign: "Shop", Params: []string{"x", "y", "x"}}},
			`template "a": names of parameters must be distinct`, "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for want, err := range map[*string]error{&tt.valid: tt.templates.Valid(), &tt.signed: tt.templates.Signed()} {
				if *want == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, *want)
				}
			}
		})
	}
}
