package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"stille/shared/webhook"
)

const (
	// callPatience is how long a receiver may take to answer.
	callPatience = 10 * time.Second
	// mostRead of an answer is read, so that the connection can serve the next call.
	mostRead = 16 << 10
)

var (
	errTimeout = errors.New("the receiver did not answer within 10 seconds")
	errPrivate = errors.New("the receiver's host is no public address")
	errUnknown = errors.New("the receiver's host is not known")
	errRefused = errors.New("the receiver cannot be reached")
	errTLS     = errors.New("the receiver's certificate cannot be trusted")
)

// client calls receivers: no proxy, no redirect, no address of a private network,
// bounded in time and size.
type client struct{ http *http.Client }

func newClient(local bool) client {
	dialer := &net.Dialer{Timeout: callPatience / 2, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !webhook.MayReach(to.Addr(), local) {
			return errPrivate
		}
		return nil
	}}
	return client{&http.Client{
		Timeout:       callPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: callPatience / 2, MaxResponseHeaderBytes: mostRead,
			MaxIdleConnsPerHost: batch, IdleConnTimeout: time.Minute,
		},
	}}
}

// post makes one call. It returns nil if the receiver took the body: any status
// from 200 to 299. Its error says why not, and holds nothing of the URL.
func (c client) post(ctx context.Context, url string, headers map[string]string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return errUnknown
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reason(err)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, mostRead) // the status is the answer
	_ = resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %d", resp.StatusCode)
	}
	return nil
}

// reason is an error of a call without the URL, which may hold a token.
func reason(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, errPrivate):
		return errPrivate
	case errors.As(err, new(*net.DNSError)):
		return errUnknown
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return errTLS
	}
	return errRefused
}
