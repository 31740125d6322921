package main

import (
	"context"
	"errors"
	"fmt"

	mail "github.com/wneessen/go-mail"

	"github.com/e7ddda3c/notify/channel"
	"github.com/e7ddda3c/notify/channel/email"
)

// workers is the number of mails in flight on both sides, equal to the default number of connections of the channel.
const workers = 4

const (
	from    = "Shop <shop@example.com>"
	to      = "ann@example.com"
	subject = "Your order is on its way"
	body    = "Hello Ann,\n\nyour order 4711 left our house today.\nFollow it at https://shop.example.com/t/4711\n"
)

// smtpBurst measures the time that the channel's kept connections save in a burst of mails.
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

// channelBurst sends mails over a new channel. The time includes opening and closing the connections.
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

// dialBurst sends mails as in go-mail's documentation, with one call of DialAndSend for each. It turns off the NOOP that go-mail
// sends before every mail, because our channel sends none either.
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
