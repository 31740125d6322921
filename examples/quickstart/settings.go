package main

import (
	"cmp"
	"os"
	"strconv"
)

// settings come from the environment. If the first variable of a channel is not set, the channel sends to a peer of ours.
type settings struct {
	smtpHost, smtpUser, smtpPassword, mailFrom, mailTo string // SMTP_HOST, SMTP_USERNAME, SMTP_PASSWORD, MAIL_FROM, MAIL_TO
	smtpPort                                           int    // SMTP_PORT, 587 by default; 465 means TLS from the start

	twilioAccount, twilioToken, twilioFrom, smsTo string // TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM, SMS_TO

	dingtalkToken, dingtalkSecret string // DINGTALK_TOKEN, DINGTALK_SECRET
}

func fromEnvironment() settings {
	port, _ := strconv.Atoi(os.Getenv("SMTP_PORT"))
	return settings{
		smtpHost: os.Getenv("SMTP_HOST"), smtpPort: port,
		smtpUser: os.Getenv("SMTP_USERNAME"), smtpPassword: os.Getenv("SMTP_PASSWORD"),
		mailFrom: cmp.Or(os.Getenv("MAIL_FROM"), "Bookshop <shop@example.com>"), mailTo: cmp.Or(os.Getenv("MAIL_TO"), "ann@example.com"),
		twilioAccount: os.Getenv("TWILIO_ACCOUNT_SID"), twilioToken: os.Getenv("TWILIO_AUTH_TOKEN"),
		twilioFrom: cmp.Or(os.Getenv("TWILIO_FROM"), "+15005550006"), smsTo: cmp.Or(os.Getenv("SMS_TO"), "+15005550010"),
		dingtalkToken: os.Getenv("DINGTALK_TOKEN"), dingtalkSecret: os.Getenv("DINGTALK_SECRET"),
	}
}
