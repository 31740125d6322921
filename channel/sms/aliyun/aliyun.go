// Package aliyun sends text messages through Alibaba Cloud SMS (Dysmsapi 2017-05-25), and receives the status reports.
package aliyun

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

const provider = "aliyun"

// Options configures a [Gateway]. Templates is required.
type Options struct {
	// Templates are the approved texts, by the host's own names.
	Templates sms.Templates
	// Sign is the signature of templates without one.
	Sign string
	// Credentials returns the access key for each request, in place of the one given to [New]: for temporary keys (STS). Many
	// goroutines call it at once, so it should cache a key until shortly before its expiry. An error makes the attempt
	// [channel.Temporary], unless it has another kind.
	Credentials func(context.Context) (sms.Credentials, error)
	// SignatureV1 signs with HMAC-SHA1 in the query, for endpoints without ACS3-HMAC-SHA256, such as those of a private cloud (Apsara
	// Stack).
	SignatureV1 bool
	// BaseURL is the endpoint. Defaults to "https://dysmsapi.aliyuncs.com"; another one is Singapore's,
	// "https://dysmsapi.ap-southeast-1.aliyuncs.com".
	BaseURL string
	// Client sends the requests, and follows no redirects. Defaults to [http.DefaultClient].
	Client *http.Client
}

// A Gateway sends approved texts by the action SendSms.
//
// Numbers of mainland China and of other countries need different kinds of template. The delivery's ID goes along as OutId, which the
// status reports return; see [Callback]. Aliyun does not detect duplicates.
type Gateway struct {
	keys      func(context.Context) (sms.Credentials, error)
	keyless   bool
	sign      func(r *http.Request, k sms.Credentials, action string, at time.Time, nonce string)
	templates sms.Templates
	baseURL   string
	client    *http.Client
}

var (
	_ sms.Gateway        = (*Gateway)(nil)
	_ channel.Configured = (*Gateway)(nil)
)

// New returns a gateway for the account or RAM user of an access key.
func New(accessKeyID, accessKeySecret string, o *Options) *Gateway {
	opts := Options{}
	if o != nil {
		opts = *o
	}
	fixed := sms.Credentials{ID: accessKeyID, Secret: accessKeySecret}
	g := &Gateway{
		keys:      sms.Keys(provider, fixed, opts.Credentials),
		keyless:   opts.Credentials == nil && !fixed.Complete(),
		sign:      signACS3,
		templates: opts.Templates.WithSign(opts.Sign),
		baseURL:   cmp.Or(opts.BaseURL, "https://dysmsapi.aliyuncs.com"),
		client:    opts.Client,
	}
	if opts.SignatureV1 {
		g.sign = signRPC
	}
	return g
}

// Send makes one call of SendSms.
func (g *Gateway) Send(ctx context.Context, m sms.SMS) (channel.Receipt, error) {
	if m.Approved == nil { // a wrapper hides Templates
		err := errors.New("aliyun: an approved text is required")
		return channel.Receipt{}, &channel.Error{Kind: channel.Rejected, Field: "content.approved", Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(g.baseURL, "/")+"/", nil)
	if err != nil { // quotes the URL
		return channel.Receipt{}, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("aliyun: BaseURL must be a URL")}
	}
	req.URL.RawQuery = encode(params(m))
	k, err := g.keys(ctx)
	if err != nil {
		return channel.Receipt{}, err
	}
	g.sign(req, k, "SendSms", time.Now(), rand.Text())
	a, err := httpsend.Do(g.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("aliyun: %w", err)
	}
	id, err := readAnswer(a, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: provider, ID: id}, nil
}

// Templates returns the approved texts.
func (g *Gateway) Templates() sms.Templates { return g.templates }

// Valid checks the access key, the templates, which all need a signature, and BaseURL.
func (g *Gateway) Valid() error {
	if g.keyless {
		return errors.New("aliyun: access key ID and secret are required, without white space")
	}
	if err := cmp.Or(g.templates.Valid(), g.templates.Signed(), httpsend.CheckURL("BaseURL", g.baseURL)); err != nil {
		return fmt.Errorf("aliyun: %w", err)
	}
	return nil
}

// params returns the parameters of SendSms. Source: https://help.aliyun.com/document_detail/101414.html
func params(m sms.SMS) url.Values {
	v := url.Values{
		"PhoneNumbers": {number(m.To)},
		"SignName":     {m.Template.Sign},
		"TemplateCode": {m.Template.ID},
		"OutId":        {m.ID},
	}
	if len(m.Approved.Params) > 0 {
		values := make(map[string]string, len(m.Approved.Params))
		for _, p := range m.Approved.Params {
			values[p.Name] = p.Value
		}
		v.Set("TemplateParam", object(values))
	}
	if m.Extra.ExtendCode != "" {
		v.Set("SmsUpExtendCode", m.Extra.ExtendCode)
	}
	return v
}

// object returns the JSON of values, with <, > and & unescaped.
func object(values map[string]string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(values) // strings into memory: cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// number returns Aliyun's form of an E.164 number: the 11 digits of a mobile in mainland China, otherwise country code and number
// without '+'.
func number(e164 string) string {
	if national, ok := sms.MainlandMobile(e164); ok {
		return national
	}
	return strings.TrimPrefix(e164, "+")
}
