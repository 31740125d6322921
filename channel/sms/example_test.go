package sms_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

// One message goes through whichever provider is up, though one wants its parameters by name and the other by position.
func Example() {
	unpaid := httptest.NewServer(aliyunRefuses(http.StatusOK, "isv.AMOUNT_NOT_ENOUGH", "no money"))
	defer unpaid.Close()
	works := httptest.NewServer(http.HandlerFunc(tencent))
	defer works.Close()

	code := channel.Failover(
		sms.New(sms.Aliyun("accessKeyID", "accessKeySecret", &sms.AliyunOptions{
			BaseURL:   unpaid.URL, // leave it out to reach Aliyun
			Sign:      "商店",
			Templates: map[string]sms.Template{"login-code": {ID: "SMS_154950909", Params: []string{"code", "minutes"}}},
		}), nil),
		sms.New(sms.Tencent("AKIDtestid", "testsecret", "1400000000", &sms.TencentOptions{
			BaseURL:   works.URL, // leave it out to reach Tencent Cloud
			Sign:      "商店",
			Templates: map[string]sms.Template{"login-code": {ID: "1000001", Params: []string{"minutes", "code"}}},
		}), nil),
	)

	receipt, err := code.Send(context.Background(), channel.Delivery{
		ID: "d-1", To: "138 0013 8000",
		Content: channel.Content{Approved: &channel.Approved{
			Name:   "login-code",
			Params: []channel.Param{{Name: "code", Value: "123456"}, {Name: "minutes", Value: "5"}},
		}},
	})
	fmt.Println(receipt.Provider, receipt.ID, err)
	// Output: tencent 5000:1 <nil>
}

// A gateway that nobody has written a driver for takes two functions.
func ExampleHTTP() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "OK:%s-1", strings.TrimPrefix(r.FormValue("to"), "+"))
	}))
	defer vendor.Close()

	acme := sms.HTTP(
		func(ctx context.Context, m sms.SMS) (*http.Request, error) {
			return httpsend.Form(ctx, vendor.URL+"/send", url.Values{"key": {"t0ken"}, "to": {m.To}, "text": {m.Text}, "ref": {m.ID}})
		},
		func(_ int, body []byte) (string, error) {
			switch code, rest, _ := strings.Cut(string(body), ":"); code {
			case "OK":
				return rest, nil
			case "12":
				return "", &channel.Error{Kind: channel.InvalidRecipient, Code: code}
			}
			return "", errors.New("not understood")
		},
		&sms.HTTPOptions{Provider: "acme"},
	)

	receipt, err := sms.New(acme, nil).Send(context.Background(), channel.Delivery{
		ID: "d-1", To: "+15005550006", Content: channel.Content{Text: "Your parcel is here"},
	})
	fmt.Println(receipt.Provider, receipt.ID, err)
	// Output: acme 15005550006-1 <nil>
}

func ExampleTwilio() {
	c := sms.New(sms.Twilio("ACtestid", "authToken", "+15005550001", &sms.TwilioOptions{
		StatusCallback: "https://example.com/hooks/twilio",
	}), nil)
	fmt.Println(c.Valid())
	fmt.Println(c.Validate(channel.Delivery{ID: "d-1", To: "5005550006", Content: channel.Content{Text: "hello"}}))
	// Output:
	// <nil>
	// to: sms: not a number with '+' and country code (invalid_recipient)
}

func ExampleE164() {
	for _, number := range []string{"+86 138-0013-8000", "13800138000", "00852 6123 4567", "8613800138000"} {
		e164, err := sms.E164(number)
		fmt.Println(e164, err == nil)
	}
	// Output:
	// +8613800138000 true
	// +8613800138000 true
	// +85261234567 true
	//  false
}

func ExampleSegments() {
	fmt.Println(sms.Segments("Your code is 123456"))
	fmt.Println(sms.Segments("Your code is “123456”"))
	fmt.Println(sms.MainlandSegments("【商店】Your code is 123456"))
	// Output:
	// {GSM-7 19 1}
	// {UCS-2 21 1}
	// {UCS-2 23 1}
}
