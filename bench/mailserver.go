package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"time"

	smtp "github.com/emersion/go-smtp"
)

// A mailServer accepts mail over STARTTLS on a port of its own and counts the mails.
type mailServer struct {
	host   string
	port   int
	trust  *tls.Config // for clients
	server *smtp.Server
	got    atomic.Int64
}

func newMailServer() (*mailServer, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().(*net.TCPAddr)
	certificate, trust, err := newCertificate(address.IP)
	if err != nil {
		return nil, err
	}
	s := &mailServer{host: address.IP.String(), port: address.Port, trust: &tls.Config{RootCAs: trust, ServerName: address.IP.String()}}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mailSession{s}, nil }))
	s.server.Domain = "localhost"
	s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

func (s *mailServer) close() { _ = s.server.Close() }

// expect runs a burst and returns an error unless all its mails arrive.
func (s *mailServer) expect(mails int, burst func(*mailServer, int) error) error {
	before := s.got.Load()
	if err := burst(s, mails); err != nil {
		return err
	}
	if got := int(s.got.Load() - before); got != mails {
		return fmt.Errorf("%d mails arrived, want %d", got, mails)
	}
	return nil
}

// A mailSession accepts every mail.
type mailSession struct{ *mailServer }

func (mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }

func (s mailSession) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	if err == nil {
		s.got.Add(1)
	}
	return err
}

// newCertificate returns a certificate for ip and a pool that trusts the certificate.
func newCertificate(ip net.IP) (tls.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{ip}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	trust := x509.NewCertPool()
	trust.AddCert(certificate)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, trust, nil
}
