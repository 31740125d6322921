package tencent_test

import (
	"fmt"

	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

func ExampleNew() {
	c := sms.New(tencent.New("secretID", "secretKey", "1400000000", &tencent.Options{
		Sign:      "商店",
		Templates: sms.Templates{"login-code": {ID: "1000001", Params: []string{"code", "minutes"}}},
	}), nil)
	fmt.Println(c.Valid())
	fmt.Println(sms.New(tencent.New("secretID", "secretKey", "", nil), nil).Valid())
	// Output:
	// <nil>
	// tencent: SdkAppId is required
}
