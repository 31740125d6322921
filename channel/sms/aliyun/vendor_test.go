package aliyun_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/e7ddda3c/notify/channel/sms"
)

func refuses(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"Code":%q,"Message":%q,"RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`, code, message)
	}
}

// A vendor stands in for Aliyun. It computes signatures independently, from the request that arrived.
type vendor struct {
	sms.Credentials
	v1     bool
	mu     sync.Mutex
	nonces map[string]bool
}

func (a *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code := a.fault(r); code != "" {
		refuses(http.StatusBadRequest, code, "server string to sign is: "+r.URL.RawQuery)(w, r)
		return
	}
	fmt.Fprint(w, `{"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"F655A8D5-B967-440B-8683-DAD6FF8DE990"}`)
}

// fault returns Aliyun's code for a bad request, or "".
func (a *vendor) fault(r *http.Request) string {
	q := r.URL.Query()
	given, want, date, nonce := r.Header.Get("Authorization"), a.v3(r), r.Header.Get("X-Acs-Date"), r.Header.Get("X-Acs-Signature-Nonce")
	action, token := r.Header.Get("X-Acs-Action"), r.Header.Get("X-Acs-Security-Token")
	if a.v1 {
		given, want, date, nonce = q.Get("Signature"), a.signatureV1(r), q.Get("Timestamp"), q.Get("SignatureNonce")
		action, token = q.Get("Action"), q.Get("SecurityToken")
	}
	at, err := time.Parse(time.RFC3339, date)
	params := map[string]string{}
	switch {
	case json.Unmarshal([]byte(cmp.Or(q.Get("TemplateParam"), "{}")), &params) != nil:
		return "isv.INVALID_JSON_PARAM"
	case r.Method != http.MethodPost || r.URL.Path != "/":
		return "InvalidAction.NotFound"
	case err != nil || time.Since(at).Abs() > 15*time.Minute || !strings.HasSuffix(date, "Z"):
		return "InvalidTimeStamp.Expired"
	case a.used(nonce):
		return "SignatureNonceUsed"
	case given != want || token != a.Token || !a.v1 && r.Header.Get("X-Acs-Accesskey-Id") != a.temporaryID():
		return "SignatureDoesNotMatch"
	case action != "SendSms":
		return "InvalidAction.NotFound"
	case strings.Trim(q.Get("PhoneNumbers"), "0123456789") != "" || len(q.Get("PhoneNumbers")) < 5:
		return "isv.MOBILE_NUMBER_ILLEGAL"
	case q.Get("SignName") == "" || !strings.HasPrefix(q.Get("TemplateCode"), "SMS_") || q.Get("OutId") == "":
		return "isv.INVALID_PARAMETERS"
	}
	return ""
}

func (a *vendor) temporaryID() string {
	if a.Token == "" {
		return ""
	}
	return a.ID
}

func (a *vendor) used(nonce string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.nonces == nil {
		a.nonces = map[string]bool{"": true}
	}
	defer func() { a.nonces[nonce] = true }()
	return a.nonces[nonce]
}

// v3 returns the Authorization that r should have.
func (a *vendor) v3(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	names := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	if a.Token != "" {
		names = append(names, "x-acs-accesskey-id", "x-acs-security-token")
		slices.Sort(names)
	}
	canonical := r.Method + "\n" + r.URL.Path + "\n" + canonicalQuery(r.URL.RawQuery) + "\n"
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + strings.Join(names, ";") + "\n" + hex.EncodeToString(sum[:])
	hashed := sha256.Sum256([]byte(canonical))
	m := hmac.New(sha256.New, []byte(a.Secret))
	fmt.Fprintf(m, "ACS3-HMAC-SHA256\n%x", hashed)
	return fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%x", a.ID, strings.Join(names, ";"), m.Sum(nil))
}

// signatureV1 returns the Signature that r should have.
func (a *vendor) signatureV1(r *http.Request) string {
	q := r.URL.Query()
	q.Del("Signature")
	return sha1Base64(a.Secret+"&", r.Method+"&%2F&"+rfc3986(canonicalQuery(q.Encode())))
}

// canonicalQuery decodes, sorts and encodes again, as the vendor does.
func canonicalQuery(raw string) string {
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(pair, "=")
		k, _ = url.QueryUnescape(k)
		v, _ = url.QueryUnescape(v)
		pairs = append(pairs, rfc3986(k)+"="+rfc3986(v))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func rfc3986(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func sha1Base64(key, text string) string {
	m := hmac.New(sha1.New, []byte(key))
	m.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}
