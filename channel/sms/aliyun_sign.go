package sms

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const aliyunVersion = "2017-05-25" // of the API

// signACS3 adds the headers of ACS3-HMAC-SHA256. Every attempt needs a nonce of its own.
// Source: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
func signACS3(req *http.Request, k Credentials, action string, at time.Time, nonce string) {
	digest := sha256Hex(bodyOf(req))
	h := req.Header
	h.Set("X-Acs-Action", action)
	h.Set("X-Acs-Version", aliyunVersion)
	h.Set("X-Acs-Date", aliyunTime(at))
	h.Set("X-Acs-Signature-Nonce", nonce)
	h.Set("X-Acs-Content-Sha256", digest)
	if k.Token != "" {
		h.Set("X-Acs-Accesskey-Id", k.ID)
		h.Set("X-Acs-Security-Token", k.Token)
	}
	headers, names := aliyunHeaders(req)
	canonical := strings.Join([]string{req.Method, "/", aliyunQuery(req.URL.Query()), headers, names, digest}, "\n")
	signature := hex.EncodeToString(mac(sha256.New, k.Secret, "ACS3-HMAC-SHA256\n"+sha256Hex([]byte(canonical))))
	h.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+k.ID+",SignedHeaders="+names+",Signature="+signature)
}

// aliyunHeaders are the headers that signACS3 signs, a line each, and their names.
func aliyunHeaders(req *http.Request) (lines, names string) {
	signed := map[string]string{"host": req.Host}
	for name := range req.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-acs-") {
			signed[name] = strings.TrimSpace(req.Header.Get(name))
		}
	}
	sorted := slices.Sorted(maps.Keys(signed))
	for _, name := range sorted {
		lines += name + ":" + signed[name] + "\n"
	}
	return lines, strings.Join(sorted, ";")
}

// signRPC adds the older signature, HMAC-SHA1, and what belongs to it to the query. Every attempt needs a nonce of its own.
// Source: https://help.aliyun.com/zh/sdk/product-overview/rpc-mechanism
func signRPC(req *http.Request, k Credentials, action string, at time.Time, nonce string) {
	q := req.URL.Query()
	for name, value := range map[string]string{
		"AccessKeyId": k.ID, "Action": action, "Version": aliyunVersion, "Format": "JSON", "Timestamp": aliyunTime(at),
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce,
	} {
		q.Set(name, value)
	}
	if k.Token != "" {
		q.Set("SecurityToken", k.Token)
	}
	toSign := req.Method + "&%2F&" + aliyunEscape(aliyunQuery(q))
	q.Set("Signature", base64.StdEncoding.EncodeToString(mac(sha1.New, k.Secret+"&", toSign)))
	req.URL.RawQuery = aliyunQuery(q)
}

// aliyunQuery is q sorted by key and escaped as by RFC 3986, where a space is %20.
func aliyunQuery(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func aliyunEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func aliyunTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}
