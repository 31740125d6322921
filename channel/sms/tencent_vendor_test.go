package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

func tencentRefuses(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Response":{"Error":{"Code":%q,"Message":"+8613800138000 is at fault"},"RequestId":%q}}`, code, tencentRequestID)
	}
}

func tencentRefusesNumber(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Response":{"SendStatusSet":[{"SerialNo":"","PhoneNumber":"+8613800138000","Fee":0,"SessionContext":"","Code":%q,`+
			`"Message":"+8613800138000 is at fault","IsoCode":""}],"RequestId":%q}}`, code, tencentRequestID)
	}
}

// tencent stands in for the vendor. It works out the signature by itself, from what arrived.
func tencent(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct {
		PhoneNumberSet []string
		SmsSdkAppID    string `json:"SmsSdkAppId"`
		SessionContext string
	}
	ts, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	switch {
	case err != nil || time.Since(time.Unix(ts, 0)).Abs() > 5*time.Minute:
		tencentRefuses("AuthFailure.SignatureExpire")(w, r)
	case r.Header.Get("Authorization") != tc3(r, body, ts):
		tencentRefuses("AuthFailure.SignatureFailure")(w, r)
	case r.Header.Get("X-TC-Action")+r.Header.Get("X-TC-Version")+r.Header.Get("X-TC-Region") != "SendSms2021-01-11ap-guangzhou":
		tencentRefuses("UnsupportedOperation")(w, r)
	case json.Unmarshal(body, &m) != nil || len(m.PhoneNumberSet) != 1 || m.SmsSdkAppID != "1400000000" || m.SessionContext == "":
		tencentRefuses("InvalidParameter")(w, r)
	default:
		fmt.Fprintf(w, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":%q,"Fee":1,"SessionContext":%q,"Code":"Ok",`+
			`"Message":"send success","IsoCode":"CN"}],"RequestId":%q}}`, m.PhoneNumberSet[0], m.SessionContext, tencentRequestID)
	}
}

// tc3 is the Authorization that r should have.
func tc3(r *http.Request, body []byte, ts int64) string {
	day := time.Unix(ts, 0).UTC().Format("2006-01-02")
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	sign := func(key []byte, s string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(s))
		return m.Sum(nil)
	}
	canonical := fmt.Sprintf("POST\n/\n\ncontent-type:%s\nhost:%s\n\ncontent-type;host\n%s",
		r.Header.Get("Content-Type"), r.Host, hash(string(body)))
	scope := day + "/sms/tc3_request"
	key := sign(sign(sign([]byte("TC3testsecret"), day), "sms"), "tc3_request")
	signature := sign(key, fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s\n%s", ts, scope, hash(canonical)))
	return fmt.Sprintf("TC3-HMAC-SHA256 Credential=AKIDtestid/%s, SignedHeaders=content-type;host, Signature=%x", scope, signature)
}
