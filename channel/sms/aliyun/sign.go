package aliyun

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel/internal/sign"
	"github.com/e7ddda3c/notify/channel/sms"
)

const version = "2017-05-25" // of the API

// signACS3 adds the headers of ACS3-HMAC-SHA256. Every attempt needs a nonce of its own.
// Source: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
func signACS3(req *http.Request, k sms.Credentials, action string, at time.Time, nonce string) {
	digest := sign.Digest(sign.Body(req))
	h := req.Header
	h.Set("X-Acs-Action", action)
	h.Set("X-Acs-Version", version)
	h.Set("X-Acs-Date", timestamp(at))
	h.Set("X-Acs-Signature-Nonce", nonce)
	h.Set("X-Acs-Content-Sha256", digest)
	if k.Token != "" {
		h.Set("X-Acs-Accesskey-Id", k.ID)
		h.Set("X-Acs-Security-Token", k.Token)
	}
	headers, names := signedHeaders(req)
	canonical := strings.Join([]string{req.Method, "/", encode(req.URL.Query()), headers, names, digest}, "\n")
	signature := hex.EncodeToString(sign.MAC(sha256.New, k.Secret, "ACS3-HMAC-SHA256\n"+sign.Digest([]byte(canonical))))
	h.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+k.ID+",SignedHeaders="+names+",Signature="+signature)
}

// signedHeaders returns the headers that signACS3 signs, a line each, and their names.
func signedHeaders(req *http.Request) (lines, names string) {
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

// signRPC adds the older signature, HMAC-SHA1, with its parameters to the query. Every attempt needs a nonce of its own.
// Source: https://help.aliyun.com/zh/sdk/product-overview/rpc-mechanism
func signRPC(req *http.Request, k sms.Credentials, action string, at time.Time, nonce string) {
	q := req.URL.Query()
	for name, value := range map[string]string{
		"AccessKeyId": k.ID, "Action": action, "Version": version, "Format": "JSON", "Timestamp": timestamp(at),
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": nonce,
	} {
		q.Set(name, value)
	}
	if k.Token != "" {
		q.Set("SecurityToken", k.Token)
	}
	toSign := req.Method + "&%2F&" + escape(encode(q))
	q.Set("Signature", base64.StdEncoding.EncodeToString(sign.MAC(sha1.New, k.Secret+"&", toSign)))
	req.URL.RawQuery = encode(q)
}

// encode returns q sorted by key and escaped by RFC 3986, where a space is %20.
func encode(q url.Values) string { return strings.ReplaceAll(q.Encode(), "+", "%20") }

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
