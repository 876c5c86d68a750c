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
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// longest is how long an invocation may take, as on Lambda.
const longest = 15 * time.Minute

// container is Lambda as one new container of a function sees it: it hands out
// events and takes the answers to them.
type container struct {
	event  chan []byte
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
	select {
	case event := <-c.event:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(longest).UnixMilli()))
		_, _ = w.Write(event)
	case <-req.Context().Done():
	}
}

// process is a program that runs as Lambda runs it.
type process struct {
	container *container
	command   *exec.Cmd
	server    *http.Server
}

func startProcess(ctx context.Context, program string, environment []string) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving the runtime API: %w", err)
	}
	c := &container{event: make(chan []byte, 1), answer: make(chan string, 2)}
	p := &process{container: c, command: exec.CommandContext(ctx, program), server: &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}}
	go p.server.Serve(listener) //nolint:errcheck // it ends with Close
	p.command.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, environment...)
	if err := p.command.Start(); err != nil {
		p.server.Close() //nolint:errcheck // nobody came
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	return p, nil
}

func (p *process) end() {
	p.command.Process.Kill() //nolint:errcheck // it may have ended by itself
	p.command.Wait()         //nolint:errcheck // it was killed
	p.server.Close()         //nolint:errcheck // it has said all it had to
}

// invoke hands an event over and waits for the answer.
func (p *process) invoke(ctx context.Context, event []byte) (string, error) {
	p.container.event <- event
	select {
	case answer := <-p.container.answer:
		return answer, nil
	case <-time.After(longest):
		return "", errors.New(p.command.Path + " did not answer")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// startOnce runs a program as Lambda does and returns the time from the start of
// its process to its first answer, which must be the status 200.
func startOnce(ctx context.Context, program string, event []byte, environment []string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	p, err := startProcess(ctx, program, environment)
	if err != nil {
		return 0, err
	}
	defer p.end()
	answer, err := p.invoke(ctx, event)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal([]byte(answer), &response); err != nil || response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answered: %.200s", program, answer)
	}
	return took, nil
}
