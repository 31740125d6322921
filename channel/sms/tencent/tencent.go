// Package tencent sends text messages through Tencent Cloud SMS (sms 2021-01-11), and receives the status reports.
package tencent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/httpsend"
	"github.com/e7ddda3c/notify/channel/sms"
)

const provider = "tencent"

// Options configures a [Gateway]. Templates is required.
type Options struct {
	// Templates are the approved texts, by the host's own names.
	Templates sms.Templates
	// Sign is the signature of templates without one. Tencent demands a signature for mainland China.
	Sign string
	// SenderID is shown as the sender outside mainland China, for an account with a sender ID of its own.
	SenderID string
	// Credentials returns the access key for each request, in place of the one given to [New]: for temporary keys (STS). Many
	// goroutines call it at once, so it should cache a key until shortly before its expiry. An error makes the attempt
	// [channel.Temporary], unless it has another kind.
	Credentials func(context.Context) (sms.Credentials, error)
	// Region is that of the application. Defaults to "ap-guangzhou".
	Region string
	// BaseURL is the endpoint. Defaults to "https://sms.tencentcloudapi.com"; accounts of the international site have
	// "https://sms.intl.tencentcloudapi.com".
	BaseURL string
	// Client sends the requests, and follows no redirects. Defaults to [http.DefaultClient].
	Client *http.Client
}

// A Gateway sends approved texts by the action SendSms.
//
// The delivery's ID goes along as SessionContext, which the answer returns. Tencent does not detect duplicates.
type Gateway struct {
	keys      func(context.Context) (sms.Credentials, error)
	keyless   bool
	region    string
	appID     string
	senderID  string
	templates sms.Templates
	baseURL   string
	client    *http.Client
}

var (
	_ sms.Gateway        = (*Gateway)(nil)
	_ channel.Configured = (*Gateway)(nil)
	_ channel.Limiter    = (*Gateway)(nil)
)

// New returns a gateway for an API key and the SMS application with that SdkAppId.
func New(secretID, secretKey, sdkAppID string, o *Options) *Gateway {
	opts := Options{}
	if o != nil {
		opts = *o
	}
	fixed := sms.Credentials{ID: secretID, Secret: secretKey}
	return &Gateway{
		keys:      sms.Keys(provider, fixed, opts.Credentials),
		keyless:   opts.Credentials == nil && !fixed.Complete(),
		region:    cmp.Or(opts.Region, "ap-guangzhou"),
		appID:     sdkAppID,
		senderID:  opts.SenderID,
		templates: opts.Templates.WithSign(opts.Sign),
		baseURL:   cmp.Or(opts.BaseURL, "https://sms.tencentcloudapi.com"),
		client:    opts.Client,
	}
}

// Send makes one call of SendSms.
func (g *Gateway) Send(ctx context.Context, m sms.SMS) (channel.Receipt, error) {
	if m.Approved == nil { // a wrapper hides Templates
		err := errors.New("tencent: an approved text is required")
		return channel.Receipt{}, &channel.Error{Kind: channel.Rejected, Field: "content.approved", Err: err}
	}
	req, err := httpsend.JSON(ctx, strings.TrimRight(g.baseURL, "/")+"/", g.request(m))
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("tencent: %w", err)
	}
	k, err := g.keys(ctx)
	if err != nil {
		return channel.Receipt{}, err
	}
	signTC3(req, k, g.region, "SendSms", time.Now())
	a, err := httpsend.Do(g.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("tencent: %w", err)
	}
	id, err := readAnswer(a, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: provider, ID: id}, nil
}

// Templates returns the approved texts.
func (g *Gateway) Templates() sms.Templates { return g.templates }

// Limits returns Tencent's default for an account.
func (g *Gateway) Limits() channel.Limits { return channel.Limits{Rate: 3000} }

// Valid checks the API key, the application's SdkAppId, the templates and BaseURL.
func (g *Gateway) Valid() error {
	switch {
	case g.keyless:
		return errors.New("tencent: secret ID and secret key are required, without white space")
	case g.appID == "":
		return errors.New("tencent: SdkAppId is required")
	}
	if err := cmp.Or(g.templates.Valid(), httpsend.CheckURL("BaseURL", g.baseURL)); err != nil {
		return fmt.Errorf("tencent: %w", err)
	}
	return nil
}

// A request is the body of SendSms. Source: https://cloud.tencent.com/document/api/382/55981
type request struct {
	PhoneNumberSet   []string
	SmsSdkAppID      string   `json:"SmsSdkAppId"`
	SignName         string   `json:",omitempty"`
	TemplateID       string   `json:"TemplateId"`
	TemplateParamSet []string `json:",omitempty"`
	SessionContext   string
	ExtendCode       string `json:",omitempty"`
	SenderID         string `json:"SenderId,omitempty"`
}

func (g *Gateway) request(m sms.SMS) request {
	r := request{
		PhoneNumberSet: []string{m.To},
		SmsSdkAppID:    g.appID,
		SignName:       m.Template.Sign,
		TemplateID:     m.Template.ID,
		SessionContext: m.ID,
		ExtendCode:     m.Extra.ExtendCode,
	}
	for _, p := range m.Approved.Params {
		r.TemplateParamSet = append(r.TemplateParamSet, p.Value)
	}
	if !sms.Mainland(m.To) {
		r.SenderID = g.senderID
	}
	return r
}

// readAnswer returns the vendor's id of the message, or the failure. Failures have status 200, too; their code stands at the top or
// with the number.
func readAnswer(a httpsend.Answer, now time.Time) (serialNo string, err error) {
	var r struct {
		Response struct {
			Error         struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
			RequestID     string
		}
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return "", sms.Unrecognized(provider, a)
	}
	code := r.Response.Error.Code
	if set := r.Response.SendStatusSet; code == "" && len(set) == 1 { // one number was sent
		if code = set[0].Code; code == "Ok" && a.Status == http.StatusOK {
			return set[0].SerialNo, nil
		}
	}
	if code == "" || code == "Ok" {
		return "", sms.Unrecognized(provider, a)
	}
	return "", sms.Refused(provider, a, code, r.Response.RequestID, verdict(code, now))
}
