package tencent

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel/internal/sign"
	"github.com/e7ddda3c/notify/channel/sms"
)

// signTC3 adds the headers of TC3-HMAC-SHA256. Source: https://cloud.tencent.com/document/api/382/52072
func signTC3(req *http.Request, k sms.Credentials, region, action string, at time.Time) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	h := req.Header
	h.Set("X-TC-Action", action)
	h.Set("X-TC-Version", "2021-01-11")
	h.Set("X-TC-Timestamp", seconds)
	h.Set("X-TC-Region", region)
	if k.Token != "" {
		h.Set("X-TC-Token", k.Token)
	}
	canonical := strings.Join([]string{
		req.Method, "/", "",
		"content-type:" + h.Get("Content-Type"), "host:" + req.Host, "",
		"content-type;host", sign.Digest(sign.Body(req)),
	}, "\n")
	date := at.UTC().Format(time.DateOnly)
	scope := date + "/sms/tc3_request"
	toSign := strings.Join([]string{"TC3-HMAC-SHA256", seconds, scope, sign.Digest([]byte(canonical))}, "\n")

	key := "TC3" + k.Secret
	for _, part := range []string{date, "sms", "tc3_request"} {
		key = string(sign.MAC(sha256.New, key, part))
	}
	signature := hex.EncodeToString(sign.MAC(sha256.New, key, toSign))
	h.Set("Authorization", "TC3-HMAC-SHA256 Credential="+k.ID+"/"+scope+", SignedHeaders=content-type;host, Signature="+signature)
}
