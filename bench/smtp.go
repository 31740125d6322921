package main

import (
	"context"
	"errors"
	"fmt"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

// workers is how many mails are under way at once, on both sides: as many as the channel has connections by default.
const workers = 4

const (
	from    = "Shop <shop@example.com>"
	to      = "ann@example.com"
	subject = "Your order is on its way"
	body    = "Hello Ann,\n\nyour order 4711 left our house today.\nFollow it at https://shop.example.com/t/4711\n"
)

// smtpBurst measures what the channel's connections save when many mails go out at once.
func smtpBurst(_ context.Context, s *session) error {
	server, err := newMailServer()
	if err != nil {
		return err
	}
	defer server.close()
	r, err := s.race(plural(s.mails, "mail"),
		contender{name: "channel/email", do: func() error { return server.expect(s.mails, channelBurst) }},
		contender{name: "go-mail DialAndSend", do: func() error { return server.expect(s.mails, dialBurst) }},
	)
	if err != nil {
		return err
	}
	s.least("smtp-starttls", r.ratio("go-mail DialAndSend", "channel/email"), 5)
	return nil
}

// channelBurst sends mails over a new channel, whose connections it opens and closes.
func channelBurst(server *mailServer, mails int) (err error) {
	c := email.New(server.host, from, &email.Options{Port: server.port, TLSConfig: server.trust, Pool: workers, HELO: "localhost"})
	defer func() { err = errors.Join(err, c.Close()) }()
	return each(workers, mails, func(i int) error {
		_, err := c.Send(context.Background(), channel.Delivery{
			ID: fmt.Sprint("burst-", i), To: to, Content: channel.Content{Title: subject, Text: body},
		})
		return err
	})
}

// dialBurst sends mails as go-mail's documentation has it: one call of DialAndSend for each. It spares go-mail the NOOP that it
// sends before every mail, since our channel goes without as well.
func dialBurst(server *mailServer, mails int) error {
	c, err := mail.NewClient(server.host, mail.WithPort(server.port), mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithTLSConfig(server.trust), mail.WithHELO("localhost"), mail.WithoutNoop())
	if err != nil {
		return err
	}
	return each(workers, mails, func(int) error {
		m := mail.NewMsg()
		if err := errors.Join(m.From(from), m.To(to)); err != nil {
			return err
		}
		m.Subject(subject)
		m.SetBodyString(mail.TypeTextPlain, body)
		return c.DialAndSend(m)
	})
}
