package sms

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
)

// AliyunOptions configures an [AliyunGateway]. Templates is required.
type AliyunOptions struct {
	// Templates are the approved texts, by the host's own names.
	Templates map[string]Template
	// Sign is the signature of templates that name none.
	Sign string
	// Credentials, if set, is asked for the access key before each request, in place of the one given to [Aliyun]: for temporary
	// keys (STS), which end. It is called by many goroutines at once, and should remember a key for as long as that is good. Its
	// error makes the attempt [channel.Temporary], unless it says another kind.
	Credentials func(context.Context) (Credentials, error)
	// SignatureV1 signs with HMAC-SHA1 in the query, as endpoints want it that do not know ACS3-HMAC-SHA256, such as those of a
	// private cloud (Apsara Stack).
	SignatureV1 bool
	// BaseURL is where requests go. Defaults to "https://dysmsapi.aliyuncs.com"; Singapore, for one, has
	// "https://dysmsapi.ap-southeast-1.aliyuncs.com".
	BaseURL string
	// Client sends the requests. Its redirects are not followed. Defaults to [http.DefaultClient].
	Client *http.Client
}

// An AliyunGateway sends approved texts through Alibaba Cloud SMS (Dysmsapi 2017-05-25, action SendSms).
//
// Numbers of mainland China and of other countries need templates of their own kind there. The delivery's ID goes along as OutId,
// which status reports bring back; see [AliyunCallback]. Aliyun does not recognise repeats.
type AliyunGateway struct {
	keys      keyring
	keyless   bool
	sign      func(r *http.Request, k Credentials, action string, at time.Time, nonce string)
	templates map[string]Template
	baseURL   string
	client    *http.Client
}

var (
	_ Gateway            = (*AliyunGateway)(nil)
	_ channel.Configured = (*AliyunGateway)(nil)
)

// Aliyun returns a gateway for the account or RAM user of an access key.
func Aliyun(accessKeyID, accessKeySecret string, o *AliyunOptions) *AliyunGateway {
	opts := AliyunOptions{}
	if o != nil {
		opts = *o
	}
	fixed := Credentials{ID: accessKeyID, Secret: accessKeySecret}
	g := &AliyunGateway{
		keys:      keys(opts.Credentials, fixed),
		keyless:   opts.Credentials == nil && !fixed.whole(),
		sign:      signACS3,
		templates: signed(opts.Templates, opts.Sign),
		baseURL:   cmp.Or(opts.BaseURL, "https://dysmsapi.aliyuncs.com"),
		client:    opts.Client,
	}
	if opts.SignatureV1 {
		g.sign = signRPC
	}
	return g
}

// Send makes one call of SendSms.
func (g *AliyunGateway) Send(ctx context.Context, m SMS) (channel.Receipt, error) {
	if m.Approved == nil { // a decorator that hides Templates
		return channel.Receipt{}, refuse("content.approved", "is missing")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(g.baseURL, "/")+"/", nil)
	if err != nil { // quotes the URL
		return channel.Receipt{}, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("aliyun: BaseURL is not a URL")}
	}
	req.URL.RawQuery = aliyunQuery(aliyunParams(m))
	k, err := g.keys(ctx)
	if err != nil {
		return channel.Receipt{}, unsent("aliyun", "credentials", channel.Temporary, err)
	}
	g.sign(req, k, "SendSms", time.Now(), rand.Text())
	a, err := httpsend.Do(g.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("aliyun: %w", err)
	}
	id, err := aliyunAnswer(a, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: "aliyun", ID: id}, nil
}

// Templates returns the approved texts.
func (g *AliyunGateway) Templates() map[string]Template { return g.templates }

// Valid says what the configuration lacks.
func (g *AliyunGateway) Valid() error {
	if g.keyless {
		return errors.New("aliyun: access key ID and secret are needed, without white space")
	}
	if err := checkTemplates("aliyun", g.templates, true); err != nil {
		return err
	}
	return checkURL("aliyun", "BaseURL", g.baseURL)
}

// aliyunParams are what SendSms is told. Source: https://help.aliyun.com/document_detail/101414.html
func aliyunParams(m SMS) url.Values {
	v := url.Values{
		"PhoneNumbers": {aliyunNumber(m.To)},
		"SignName":     {m.Template.Sign},
		"TemplateCode": {m.Template.ID},
		"OutId":        {m.ID},
	}
	if len(m.Approved.Params) > 0 {
		params := make(map[string]string, len(m.Approved.Params))
		for _, p := range m.Approved.Params {
			params[p.Name] = p.Value
		}
		v.Set("TemplateParam", aliyunJSON(params))
	}
	if m.Extra.ExtendCode != "" {
		v.Set("SmsUpExtendCode", m.Extra.ExtendCode)
	}
	return v
}

// aliyunJSON is an object of strings in which <, > and & stand as they are.
func aliyunJSON(params map[string]string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(params) // strings into memory: cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// aliyunNumber is the number as Aliyun wants it: 11 digits in mainland China, country code and number without '+' elsewhere.
func aliyunNumber(e164 string) string {
	if local, ok := strings.CutPrefix(e164, "+86"); ok && mobile(local) {
		return local
	}
	return strings.TrimPrefix(e164, "+")
}

// aliyunAnswer reads the id of what was sent, or the failure. The business answers with status 200 to whatever it refuses.
func aliyunAnswer(a httpsend.Answer, now time.Time) (bizID string, err error) {
	var r struct{ Code, Message, BizID, RequestID string }
	err = json.Unmarshal(a.Body, &r)
	switch taken := r.Code == "OK"; {
	case err != nil, r.Code == "", taken && a.Status != http.StatusOK:
		return "", garbled("aliyun", a)
	case taken:
		return r.BizID, nil
	}
	v := aliyunVerdict(r.Code, r.Message, now)
	if v.kind == channel.RateLimited {
		v.wait = max(v.wait, aliyunTimeLeft(a.Header))
	}
	return "", refusal("aliyun", a, r.Code, r.RequestID, v)
}

// aliyunTimeLeft is the longest wait that the throttle's headers ask for, such as "Limit:1,Remain:0,TimeLeft:2000,Reset:1234".
// Aliyun's SDKs take the number for milliseconds.
func aliyunTimeLeft(h http.Header) (wait time.Duration) {
	for _, name := range []string{"X-Ratelimit-User-Api", "X-Ratelimit-User"} {
		for pair := range strings.SplitSeq(h.Get(name), ",") {
			key, value, _ := strings.Cut(pair, ":")
			if strings.TrimSpace(key) != "TimeLeft" {
				continue
			}
			ms, _ := strconv.ParseUint(strings.TrimSpace(value), 10, 31) // a wrong number is no wish
			wait = max(wait, time.Duration(ms)*time.Millisecond)
		}
	}
	return wait
}
