package main

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"time"

	"github.com/e7ddda3c/notify"
	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/dingtalk"
	"github.com/e7ddda3c/notify/channel/email"
	"github.com/e7ddda3c/notify/channel/sms"
	"github.com/e7ddda3c/notify/channel/sms/twilio"
	"github.com/e7ddda3c/notify/channel/websocket"
	"github.com/e7ddda3c/notify/template"
)

//go:embed templates
var templateFiles embed.FS

// A shop is a program that embeds notify: a notifier with four channels, and a web server.
type shop struct {
	settings
	notifier *notify.Notifier
	peers    *peers
	hub      *websocket.Hub
	session  string // the secret that identifies a visitor as ann
	addr     string
	server   *http.Server
	serving  chan error
	window   *window
}

func openShop(ctx context.Context, listen func() (net.Listener, error)) (*shop, error) {
	s := &shop{settings: fromEnvironment(), session: rand.Text(), serving: make(chan error, 1)}
	s.hub = websocket.New(s.visitor, nil)
	s.peers = newPeers(func(a arrival) {
		_, _ = s.hub.Push(context.Background(), websocket.Everyone(), websocket.JSON(map[string]any{"arrival": a}))
	})
	if err := s.openChannels(); err != nil {
		return nil, errors.Join(err, s.peers.close())
	}
	l, err := listen()
	if err != nil {
		return nil, err
	}
	s.addr = l.Addr().String()
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.serving <- s.server.Serve(l) }()
	s.window, err = openWindow(ctx, "ws://"+s.addr+"/ws", s.session, s.hub, s.peers)
	return s, err
}

// openChannels contains all the code that embeds notify.
func (s *shop) openChannels() error {
	mail, err := s.email()
	if err != nil {
		return err
	}
	files, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		return err
	}
	templates, err := template.New(files, nil)
	if err != nil {
		return err
	}
	s.notifier, err = notify.New(notify.Config{
		Channels: notify.Channels{
			"email":    mail,
			"sms":      s.sms(),
			"dingtalk": s.dingtalk(),
			"page":     s.hub,
		},
		Templates: templates,
		Directory: s,
	})
	return err
}

// Recipients implements [notify.Directory] with one user.
func (s *shop) Recipients(_ context.Context, _ string, ids []string) ([]notify.Recipient, error) {
	return []notify.Recipient{{
		ID:        "ann",
		Addresses: map[string][]string{channel.Email: {s.mailTo}, channel.Phone: {s.smsTo}},
		Data:      map[string]any{"name": "Ann"},
	}}, nil
}

func (s *shop) email() (channel.Channel, error) {
	if s.smtpHost != "" {
		return email.New(s.smtpHost, s.mailFrom, &email.Options{Port: s.smtpPort, Username: s.smtpUser, Password: s.smtpPassword}), nil
	}
	port, trust, err := s.peers.serveMail()
	if err != nil {
		return nil, err
	}
	return email.New("localhost", s.mailFrom, &email.Options{Port: port, TLSConfig: trust, Username: "shop", Password: "secret"}), nil
}

func (s *shop) sms() channel.Channel {
	if s.twilioAccount != "" {
		return sms.New(twilio.New(s.twilioAccount, s.twilioToken, s.twilioFrom, nil), nil)
	}
	url := s.peers.serveTwilio("AC00000000000000000000000000000000", "twilio-token")
	return sms.New(twilio.New("AC00000000000000000000000000000000", "twilio-token", s.twilioFrom, &twilio.Options{BaseURL: url}), nil)
}

func (s *shop) dingtalk() channel.Channel {
	if s.dingtalkToken != "" {
		return dingtalk.NewRobot(s.dingtalkToken, &dingtalk.Options{Secret: s.dingtalkSecret})
	}
	url := s.peers.serveDingTalk("robot-token", "SECrobot")
	return dingtalk.NewRobot("robot-token", &dingtalk.Options{Secret: "SECrobot", BaseURL: url})
}

// serve waits until ctx is done or the web server fails.
func (s *shop) serve(ctx context.Context) error {
	select {
	case err := <-s.serving:
		return err
	case <-ctx.Done():
		return nil
	}
}

// close stops everything within a few seconds. The notifier closes its channels, including the hub.
func (s *shop) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = s.notifier.Close(ctx)
	_ = s.server.Shutdown(ctx)
	_ = s.peers.close()
	if s.window != nil {
		s.window.close()
	}
}
