package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/sdk/go"
)

// calls are what a client can be asked to do.
func calls(c *client.Client) map[string]func(context.Context) (int, error) {
	return map[string]func(context.Context) (int, error){
		"check": func(ctx context.Context) (int, error) {
			got, err := c.Check(ctx, client.Question{Contacts: kari(1)})
			return len(got), err
		},
		"links": func(ctx context.Context) (int, error) {
			got, err := c.Links(ctx, client.LinkOrder{Contacts: kari(1)})
			return len(got), err
		},
		"suppress": func(ctx context.Context) (int, error) {
			got, err := c.Suppress(ctx, client.OptOut{Contacts: kari(1)})
			return len(got), err
		},
		"release": func(ctx context.Context) (int, error) {
			got, err := c.Release(ctx, client.Consent{Contacts: kari(1)})
			return len(got), err
		},
	}
}

func TestABrokenConnectionIsRetried(t *testing.T) {
	for broken, want := range map[int]bool{1: true, 2: true, 3: false} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			c := connect(t, func(*http.Request) (*http.Response, error) {
				if attempts++; attempts > broken {
					return answering(200, "application/json", checked(yes)), nil
				}
				return nil, errors.New("reset")
			})
			if got := c.MaySend(t.Context(), client.Email, "kari@example.no", "acme"); got != want || attempts > 3 {
				t.Errorf("broken %d times: send %v after %d attempts", broken, got, attempts)
			}
		})
	}
}

func TestACallEndsWithItsTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := connect(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		if c.MaySend(t.Context(), client.Email, "kari@example.no", "acme") || time.Since(began) != 10*time.Second {
			t.Errorf("it ended after %v", time.Since(began))
		}
	})
}

func TestBusyAPIIsRetriedUntilTheContextEnds(t *testing.T) {
	for _, test := range []struct {
		name       string
		status     int
		retryAfter string
		answered   int // by the attempt of this number; 0 for never
		within     time.Duration
		attempts   int
		ok         bool
		least      time.Duration // waited
		most       time.Duration
	}{
		{"a store that is down for a moment", 503, "5", 2, time.Minute, 2, true, 5 * time.Second, 5 * time.Second},
		{"a gateway that is busy, and does not say how long", 429, "", 3, time.Minute, 3, true, 300 * time.Millisecond, 600 * time.Millisecond},
		{"a store that is to be asked at once", 503, "0", 2, time.Minute, 2, true, 0, time.Millisecond},
		{"a date", 502, "Sun, 22 Nov 2026 03:00:02 GMT", 2, time.Minute, 2, true, 2 * time.Second, 2 * time.Second},
		{"a date that is over", 504, "Sun, 22 Nov 2020 03:00:02 GMT", 2, time.Minute, 2, true, 0, time.Millisecond},
		{"a header that cannot be read", 503, "soon", 2, time.Minute, 2, true, 100 * time.Millisecond, 200 * time.Millisecond},
		{"a negative number", 503, "-5", 2, time.Minute, 2, true, 100 * time.Millisecond, 200 * time.Millisecond},
		{"a store that stays down", 503, "5", 0, time.Hour, 3, false, 10 * time.Second, 10 * time.Second},
		{"no time for the wait", 503, "5", 2, 4 * time.Second, 1, false, 0, 0},
		{"more than any number", 503, "99999999999999999999", 2, time.Minute, 1, false, 0, 0},
		{"a mistake, which is not repeated", 500, "5", 2, time.Minute, 1, false, 0, 0},
		{"a refusal, which is not repeated", 403, "5", 2, time.Minute, 1, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := connect(t, func(*http.Request) (*http.Response, error) {
					if attempts++; attempts == test.answered {
						return answering(200, "application/json", checked(yes)), nil
					}
					resp := answering(test.status, "application/problem+json", `{"title":"later"}`)
					resp.Header.Set("Retry-After", test.retryAfter)
					return resp, nil
				}, client.WithTimeout(time.Hour))
				ctx, cancel := context.WithTimeout(t.Context(), test.within)
				defer cancel()
				began := time.Now()
				answers, err := c.Check(ctx, client.Question{Contacts: kari(1)})
				waited := time.Since(began)
				if attempts != test.attempts || waited < test.least || waited > test.most {
					t.Errorf("%d attempts in %v", attempts, waited)
				}
				var refused *client.Error
				if answers[0].MaySend() != test.ok || errors.As(err, &refused) == test.ok {
					t.Errorf("send %v, error %v", answers[0].MaySend(), err)
				}
			})
		})
	}
}

func TestASilentServerEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answers, err := c.Check(ctx, client.Question{Contacts: kari(1)})
		if !errors.Is(err, context.DeadlineExceeded) || answers[0].MaySend() {
			t.Errorf("send %v, error %v", answers[0].MaySend(), err)
		}
	})
}

func TestEveryCallRefusesAnIncompleteAnswer(t *testing.T) {
	for _, body := range []string{
		``, `{}`, `{"results":[]}`, `{"results":[null]}`, `{"results":[{}]}`, `{"results":[{"key":"` + one + `"}]}`,
		`{"results":[{"url":"https://x.example/e/t"}]}`, `{"results":[{"added":true,"reason":"invalid-address"}]}`,
		`{"results":[{"released":true,"reason":"not-suppressed"}]}`, `{"results":[{"released":false}]}`,
		`{"asOf":"2026-11-22T03:00:00Z","results":[{"released":true},{"released":true}]}`,
	} {
		for name, call := range calls(connect(t, says(200, "application/json", body))) {
			if name == "links" && strings.Contains(body, "-") && strings.Contains(body, "reason") {
				continue // a link that cannot be had, for a reason, and a member to ignore
			}
			if n, err := call(t.Context()); !errors.Is(err, client.ErrAnswer) || n != 1 {
				t.Errorf("%s takes %s: %d results, error %v", name, body, n, err)
			}
		}
	}
}

func TestWhatTheAPIRefusesIsSaid(t *testing.T) {
	const problem = `{"title":"the request has fields that cannot be used","status":400,"errors":[{"pointer":"/scope","detail":"is not a scope of this system"}]}`
	for name, call := range calls(connect(t, says(400, "application/problem+json", problem))) {
		_, err := call(t.Context())
		var refused *client.Error
		if !errors.As(err, &refused) {
			t.Fatalf("%s: error %v", name, err)
		}
		want := &client.Error{Status: 400, Title: "the request has fields that cannot be used", Faults: []client.Fault{{Pointer: "/scope", Detail: "is not a scope of this system"}}}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if !strings.HasSuffix(err.Error(), "the API answered 400: the request has fields that cannot be used; /scope is not a scope of this system") {
			t.Errorf("%s says %q", name, err)
		}
	}
}

func TestNoKeyAndNoAddressIsShown(t *testing.T) {
	echo := func(status int) server {
		return func(r *http.Request) (*http.Response, error) {
			if status == 0 {
				return nil, fmt.Errorf("cannot send %v", r.Header)
			}
			body, _ := io.ReadAll(r.Body)
			key := r.Header.Get("Authorization") + strings.ReplaceAll(string(body), `"`, " ")
			return answering(status, "application/problem+json", `{"title":"`+key+`","errors":[{"pointer":"`+key+`","detail":"`+key+`"}]}`), nil
		}
	}
	for _, status := range []int{0, 200, 302, 400, 401, 503} {
		c := connect(t, echo(status), client.WithRetries(0))
		shown := []string{fmt.Sprintf("%v %+v %#v %s %q %d", c, c, c, c, c, c), fmt.Sprintf("%+v %#v", *c, *c), fmt.Sprintf("%+v", struct{ c client.Client }{*c}), fmt.Sprintf("%v %+v %#v %s %q %+v", kari(1)[0], kari(1), kari(1), kari(1), kari(1)[0], client.Question{Contacts: kari(1)})} //nolint:govet // what somebody may write
		for _, call := range calls(c) {
			_, err := call(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			shown = append(shown, fmt.Sprintf("%v %+v %#v", err, err, err))
			var refused *client.Error
			if errors.As(err, &refused) {
				shown = append(shown, fmt.Sprintf("%+v", *refused))
			}
		}
		for i, text := range shown {
			if strings.Contains(text, apiKey) || strings.Contains(text, "@") {
				t.Errorf("status %d: text %d shows the key or an address", status, i)
			}
		}
		if !strings.HasPrefix(shown[0], "client of https://api.example client of") {
			t.Errorf("it prints %q", shown[0])
		}
	}
}

func TestClientNeverSendsItsKeyInTheClear(t *testing.T) {
	for _, test := range []struct {
		base, key string
		ok        bool
	}{
		{"https://api.example", apiKey, true},
		{"https://api.example/stage/", apiKey, true},
		{"http://127.0.0.1:4566", apiKey, true},
		{"http://localhost:4566", apiKey, true},
		{"http://[::1]:4566", apiKey, true},
		{"http://api.example", apiKey, false},
		{"http://127.0.0.1.example", apiKey, false},
		{"ftp://api.example", apiKey, false},
		{"api.example", apiKey, false},
		{"", apiKey, false},
		{"https://crm:x@api.example", apiKey, false},
		{"https://api.example?key=1", apiKey, false},
		{"https://api.example", "", false},
		{"https://api.example", apiKey + "\n", false},
	} {
		_, err := client.New(test.base, test.key)
		if (err == nil) != test.ok || err != nil && strings.Contains(err.Error(), apiKey) {
			t.Errorf("%q: error %v", test.base, err)
		}
	}
}
