package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"stille/shared/names"
)

// benchStack is the stack whose tables and secrets the programs ask for.
const benchStack names.Stack = "bench"

// policyFolder has the policy files of the local stack.
const policyFolder = "../local"

// timeout is Lambda's longest invocation.
const timeout = 15 * time.Minute

// process is a function's program that runs as in a new Lambda container:
// process serves the runtime API, hands out events and takes the answers.
type process struct {
	command *exec.Cmd
	server  *http.Server
	event   chan []byte
	answer  chan string
}

func (p *process) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/invocation/next") {
		body, err := io.ReadAll(req.Body) // the answer or an error
		if err == nil {
			w.WriteHeader(http.StatusAccepted)
		}
		p.answer <- string(body)
		return
	}
	select {
	case event := <-p.event:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(timeout).UnixMilli()))
		_, _ = w.Write(event)
	case <-req.Context().Done():
	}
}

// startProcess starts a program whose AWS is at the endpoint. The caller must
// end the process.
func startProcess(ctx context.Context, program, endpoint string, environment ...string) (*process, error) {
	policies, err := filepath.Abs(policyFolder)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.CommandContext(ctx, program), event: make(chan []byte, 1), answer: make(chan string, 2)}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	go p.server.Serve(listener) //nolint:errcheck // it ends with Close
	p.command.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=" + filepath.Base(program),
		"LAMBDA_TASK_ROOT=" + policies, names.VarStack + "=" + string(benchStack),
		"AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=" + endpoint,
	}, environment...)
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, p.server.Close())
	}
	return p, nil
}

func (p *process) end() {
	p.command.Process.Kill() //nolint:errcheck // it may have ended
	p.command.Wait()         //nolint:errcheck // it was killed
	p.server.Close()         //nolint:errcheck // nobody asks any more
}

// invoke hands an event over and waits for the answer.
func (p *process) invoke(ctx context.Context, event []byte) (string, error) {
	p.event <- event
	select {
	case answer := <-p.answer:
		return answer, nil
	case <-time.After(timeout):
		return "", errors.New(p.command.Path + " did not answer")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// buildPrograms builds folders of the project with the flags of scripts/build,
// and returns the programs by the names of their folders.
func buildPrograms(b *testing.B, folders ...string) map[string]string {
	b.Helper()
	programs, target := make(map[string]string), b.TempDir()
	for _, folder := range folders {
		name := filepath.Base(folder)
		programs[name] = filepath.Join(target, name)
		build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
			"-ldflags", "-s -w", "-o", programs[name], "./"+folder)
		build.Dir = filepath.Join("..", "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS)
		if output, err := build.CombinedOutput(); err != nil {
			b.Fatalf("building %s: %v\n%s", folder, err, output)
		}
	}
	return programs
}
