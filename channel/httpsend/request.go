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

// JSON returns a POST request of body as JSON, with <, > and & unescaped and without a final newline. Its error is a [*channel.Error]
// without the URL: Rejected if body cannot be encoded, Misconfigured if url is invalid.
func JSON(ctx context.Context, url string, body any) (*http.Request, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, &channel.Error{Kind: channel.Rejected, Err: fmt.Errorf("the body must be encodable as JSON: %w", err)}
	}
	b.Truncate(b.Len() - 1) // drops Encode's newline, since some vendors sign the body
	return post(ctx, url, "application/json", bytes.NewReader(b.Bytes()))
}

// Form returns a POST request of v as a web form, sorted by key. Its error, for an invalid url, is a Misconfigured [*channel.Error]
// without the URL.
func Form(ctx context.Context, url string, v url.Values) (*http.Request, error) {
	return post(ctx, url, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

// post returns a POST request. body must be a reader that net/http can rewind, such as a *bytes.Reader.
func post(ctx context.Context, url, contentType string, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil { // err itself quotes the URL
		return nil, &channel.Error{Kind: channel.Misconfigured, Err: errors.New("the URL must be valid")}
	}
	req.Header.Set("Content-Type", contentType)
	return req, nil
}
