package aliyun_test

import (
	"fmt"

	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
)

func ExampleNew() {
	c := sms.New(aliyun.New("accessKeyID", "accessKeySecret", &aliyun.Options{
		Sign:      "商店",
		Templates: sms.Templates{"login-code": {ID: "SMS_154950909", Params: []string{"code", "minutes"}}},
	}), nil)
	fmt.Println(c.Valid())
	fmt.Println(sms.New(aliyun.New("accessKeyID", "accessKeySecret", nil), nil).Valid())
	// Output:
	// <nil>
	// aliyun: Templates is required
}
