package deployment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"stille/shared/feedback/hook"
)

// hookPatience is how long a hook may take to answer.
const hookPatience = 30 * time.Second

// CallHook calls a hook as a provider does, and follows no redirect. Its error holds
// no address, because a secret may be part of the address.
func CallHook(ctx context.Context, call hook.Sample) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return 0, errors.New("the hook's address cannot be called")
	}
	req.Header.Set("Content-Type", "application/json")
	if call.Form {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range call.Header {
		req.Header.Set(name, value)
	}
	client := http.Client{Timeout: hookPatience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if err != nil {
		return 0, fmt.Errorf("calling the hook: %w", err)
	}
	return answer.StatusCode, answer.Body.Close()
}
