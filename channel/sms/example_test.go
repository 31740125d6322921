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
	"github.com/e7ddda3c/notify/channel/sms/aliyun"
	"github.com/e7ddda3c/notify/channel/sms/tencent"
)

// One message can go through two vendors, though one takes its parameters by name and the other by position.
func Example() {
	unpaid := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Code":"isv.AMOUNT_NOT_ENOUGH"}`)
	}))
	defer unpaid.Close()
	works := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","Code":"Ok"}]}}`)
	}))
	defer works.Close()

	code := channel.Failover(
		sms.New(aliyun.New("accessKeyID", "accessKeySecret", &aliyun.Options{
			BaseURL:   unpaid.URL, // leave it out to reach Aliyun
			Sign:      "商店",
			Templates: sms.Templates{"login-code": {ID: "SMS_154950909", Params: []string{"code", "minutes"}}},
		}), nil),
		sms.New(tencent.New("AKIDtestid", "testsecret", "1400000000", &tencent.Options{
			BaseURL:   works.URL, // leave it out to reach Tencent Cloud
			Sign:      "商店",
			Templates: sms.Templates{"login-code": {ID: "1000001", Params: []string{"minutes", "code"}}},
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

// A vendor without a package of its own takes two functions.
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
