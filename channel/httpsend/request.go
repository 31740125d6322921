package httpsend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/e7ddda3c/notify/channel"
)

// JSON returns a POST of body as JSON, in which <, > and & stand as they are. Its error is a [*channel.Error] without the URL.
func JSON(ctx context.Context, url string, body any) (*http.Request, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("not JSON: %w", err)}
	}
	b.Truncate(b.Len() - 1) // Encode's newline: some vendors sign the body
	return post(ctx, url, "application/json", bytes.NewReader(b.Bytes()))
}

// Form returns a POST of v, sorted by key, as a web form. Its error is a [*channel.Error] without the URL.
func Form(ctx context.Context, url string, v url.Values) (*http.Request, error) {
	return post(ctx, url, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

// post makes the request. body is a reader that net/http knows how to rewind.
func post(ctx context.Context, url, contentType string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil { // quotes the URL
		return nil, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the URL is not valid")}
	}
	req.Header.Set("Content-Type", contentType)
	return req, nil
}
