package tencent_test

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

const requestID = "8d9d22f8-2d0e-4c3c-b8b5-1f2b0a4f5c6d"

func refuses(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Response":{"Error":{"Code":%q,"Message":"+8613800138000 is at fault"},"RequestId":%q}}`, code, requestID)
	}
}

func refusesNumber(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Response":{"SendStatusSet":[{"SerialNo":"","PhoneNumber":"+8613800138000","Fee":0,"SessionContext":"","Code":%q,`+
			`"Message":"+8613800138000 is at fault","IsoCode":""}],"RequestId":%q}}`, code, requestID)
	}
}

// vendor stands in for Tencent. It computes the signature independently, from the request that arrived.
func vendor(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var m struct {
		PhoneNumberSet []string
		SmsSdkAppID    string `json:"SmsSdkAppId"`
		SessionContext string
	}
	ts, err := strconv.ParseInt(r.Header.Get("X-TC-Timestamp"), 10, 64)
	switch {
	case err != nil || time.Since(time.Unix(ts, 0)).Abs() > 5*time.Minute:
		refuses("AuthFailure.SignatureExpire")(w, r)
	case r.Header.Get("Authorization") != tc3(r, body, ts):
		refuses("AuthFailure.SignatureFailure")(w, r)
	case r.Header.Get("X-TC-Action")+r.Header.Get("X-TC-Version")+r.Header.Get("X-TC-Region") != "SendSms2021-01-11ap-guangzhou":
		refuses("UnsupportedOperation")(w, r)
	case json.Unmarshal(body, &m) != nil || len(m.PhoneNumberSet) != 1 || m.SmsSdkAppID != "1400000000" || m.SessionContext == "":
		refuses("InvalidParameter")(w, r)
	default:
		fmt.Fprintf(w, `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":%q,"Fee":1,"SessionContext":%q,"Code":"Ok",`+
			`"Message":"send success","IsoCode":"CN"}],"RequestId":%q}}`, m.PhoneNumberSet[0], m.SessionContext, requestID)
	}
}

// tc3 returns the Authorization that r should have.
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
