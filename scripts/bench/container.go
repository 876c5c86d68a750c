package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// container is Lambda as one new container of a function sees it: it hands out
// one event and takes the answer to it.
type container struct {
	event  []byte
	handed atomic.Bool
	answer chan string
}

func (c *container) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/invocation/next") {
		body, err := io.ReadAll(req.Body) // the answer, or what went wrong
		if err == nil {
			w.WriteHeader(http.StatusAccepted)
		}
		c.answer <- string(body)
		return
	}
	if c.handed.Swap(true) { // there is no more work
		<-req.Context().Done()
		return
	}
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
	w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
	_, _ = w.Write(c.event)
}

// startOnce runs a program as Lambda does and returns the time from the start of
// its process to its first answer, which must be the status 200.
func startOnce(ctx context.Context, program string, event []byte, environment []string) (time.Duration, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("serving the runtime API: %w", err)
	}
	c := &container{event: event, answer: make(chan string, 2)}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	defer server.Close()      //nolint:errcheck // it has said all it had to

	process := exec.CommandContext(ctx, program)
	process.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, environment...)
	began := time.Now()
	if err := process.Start(); err != nil {
		return 0, fmt.Errorf("starting %s: %w", program, err)
	}
	defer process.Wait()         //nolint:errcheck // it was killed
	defer process.Process.Kill() //nolint:errcheck // it may have ended by itself
	select {
	case answer := <-c.answer:
		took := time.Since(began)
		var response events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal([]byte(answer), &response); err != nil || response.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s answered: %.200s", program, answer)
		}
		return took, nil
	case <-time.After(time.Minute):
		return 0, errors.New(program + " did not answer")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
