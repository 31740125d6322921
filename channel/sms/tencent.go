package sms

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
)

// TencentOptions configures a [TencentGateway]. Templates is required.
type TencentOptions struct {
	// Templates are the approved texts, by the host's own names.
	Templates map[string]Template
	// Sign is the signature of templates that name none. Tencent demands one for mainland China.
	Sign string
	// SenderID is shown as the sender outside mainland China, where the account has one of its own.
	SenderID string
	// Credentials, if set, is asked for the access key before each request, in place of the one given to [Tencent]: for temporary
	// keys (STS), which end. It is called by many goroutines at once, and should remember a key for as long as that is good. Its
	// error makes the attempt [channel.Temporary], unless it says another kind.
	Credentials func(context.Context) (Credentials, error)
	// Region is that of the application. Defaults to "ap-guangzhou".
	Region string
	// BaseURL is where requests go. Defaults to "https://sms.tencentcloudapi.com"; accounts of the international site have
	// "https://sms.intl.tencentcloudapi.com".
	BaseURL string
	// Client sends the requests. Its redirects are not followed. Defaults to [http.DefaultClient].
	Client *http.Client
}

// A TencentGateway sends approved texts through Tencent Cloud SMS (sms 2021-01-11, action SendSms).
//
// The delivery's ID goes along as SessionContext, which the answer brings back. Tencent does not recognise repeats.
type TencentGateway struct {
	keys      keyring
	keyless   bool
	region    string
	appID     string
	senderID  string
	templates map[string]Template
	baseURL   string
	client    *http.Client
}

var (
	_ Gateway            = (*TencentGateway)(nil)
	_ channel.Configured = (*TencentGateway)(nil)
	_ channel.Limiter    = (*TencentGateway)(nil)
)

// Tencent returns a gateway for an API key and the SMS application with that SdkAppId.
func Tencent(secretID, secretKey, sdkAppID string, o *TencentOptions) *TencentGateway {
	opts := TencentOptions{}
	if o != nil {
		opts = *o
	}
	fixed := Credentials{ID: secretID, Secret: secretKey}
	return &TencentGateway{
		keys:      keys(opts.Credentials, fixed),
		keyless:   opts.Credentials == nil && !fixed.whole(),
		region:    cmp.Or(opts.Region, "ap-guangzhou"),
		appID:     sdkAppID,
		senderID:  opts.SenderID,
		templates: signed(opts.Templates, opts.Sign),
		baseURL:   cmp.Or(opts.BaseURL, "https://sms.tencentcloudapi.com"),
		client:    opts.Client,
	}
}

// Send makes one call of SendSms.
func (g *TencentGateway) Send(ctx context.Context, m SMS) (channel.Receipt, error) {
	if m.Approved == nil { // a decorator that hides Templates
		return channel.Receipt{}, refuse("content.approved", "is missing")
	}
	req, err := httpsend.JSON(ctx, strings.TrimRight(g.baseURL, "/")+"/", g.body(m))
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("tencent: %w", err)
	}
	k, err := g.keys(ctx)
	if err != nil {
		return channel.Receipt{}, unsent("tencent", "credentials", channel.Temporary, err)
	}
	signTC3(req, k, g.region, "SendSms", time.Now())
	a, err := httpsend.Do(g.client, req)
	if err != nil {
		return channel.Receipt{}, fmt.Errorf("tencent: %w", err)
	}
	id, err := tencentAnswer(a, time.Now())
	if err != nil {
		return channel.Receipt{}, err
	}
	return channel.Receipt{Provider: "tencent", ID: id}, nil
}

// Templates returns the approved texts.
func (g *TencentGateway) Templates() map[string]Template { return g.templates }

// Limits returns what Tencent allows an account by default.
func (g *TencentGateway) Limits() channel.Limits { return channel.Limits{Rate: 3000} }

// Valid says what the configuration lacks.
func (g *TencentGateway) Valid() error {
	if g.keyless || g.appID == "" {
		return errors.New("tencent: secret ID, secret key and SdkAppId are needed, the key without white space")
	}
	if err := checkTemplates("tencent", g.templates, false); err != nil {
		return err
	}
	return checkURL("tencent", "BaseURL", g.baseURL)
}

// A tencentSMS is what SendSms is told. Source: https://cloud.tencent.com/document/api/382/55981
type tencentSMS struct {
	PhoneNumberSet   []string
	SmsSdkAppID      string   `json:"SmsSdkAppId"`
	SignName         string   `json:",omitempty"`
	TemplateID       string   `json:"TemplateId"`
	TemplateParamSet []string `json:",omitempty"`
	SessionContext   string
	ExtendCode       string `json:",omitempty"`
	SenderID         string `json:"SenderId,omitempty"`
}

func (g *TencentGateway) body(m SMS) tencentSMS {
	body := tencentSMS{
		PhoneNumberSet: []string{m.To},
		SmsSdkAppID:    g.appID,
		SignName:       m.Template.Sign,
		TemplateID:     m.Template.ID,
		SessionContext: m.ID,
		ExtendCode:     m.Extra.ExtendCode,
	}
	for _, p := range m.Approved.Params {
		body.TemplateParamSet = append(body.TemplateParamSet, p.Value)
	}
	if !mainland(m.To) {
		body.SenderID = g.senderID
	}
	return body
}

// tencentAnswer reads the id of what was sent, or the failure, whose code stands on top or with the number. Either has status 200.
func tencentAnswer(a httpsend.Answer, now time.Time) (serialNo string, err error) {
	var r struct {
		Response struct {
			Error         struct{ Code string }
			SendStatusSet []struct{ SerialNo, Code string }
			RequestID     string
		}
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return "", garbled("tencent", a)
	}
	code := r.Response.Error.Code
	if set := r.Response.SendStatusSet; code == "" && len(set) == 1 { // one number was sent
		if code = set[0].Code; code == "Ok" && a.Status == http.StatusOK {
			return set[0].SerialNo, nil
		}
	}
	if code == "" || code == "Ok" {
		return "", garbled("tencent", a)
	}
	return "", refusal("tencent", a, code, r.Response.RequestID, tencentVerdict(code, now))
}
