package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const startPatience = 30 * time.Second

// A server is a program of a place that is reached on a port of its own: the
// emulator, and the phone.
type server struct {
	name     string
	record   string        // the file with its process
	log      string        // the file with what it says
	health   string        // the path that answers when it is ready
	patience time.Duration // with its end
}

// launch starts a server as a process of its own and records it. The channel
// closes when it ends.
func (p Place) launch(s server, command *exec.Cmd, port int) (ended <-chan struct{}, err error) {
	log, err := os.Create(p.path(s.log))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command.Dir = p.Folder
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !p.Lasting {
		// Kept open, never written to: it closes with this process.
		if _, err := command.StdinPipe(); err != nil {
			return nil, err
		}
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = command.Wait() // how it ended stands in its log
	}()
	record, err := identify(command.Process.Pid, port)
	if err != nil {
		return nil, errors.Join(err, command.Process.Kill())
	}
	return done, writeJSON(p.path(s.record), record)
}

// awaitHealth waits until a server that was launched answers.
func (p Place) awaitHealth(ctx context.Context, s server, port int, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for !s.healthy(ctx, port) {
		select {
		case <-ended:
			return fmt.Errorf("%s ended before it answered; the end of %s:\n%s", s.name, p.path(s.log), lastLines(p.path(s.log)))
		case <-ctx.Done():
			return errors.Join(
				fmt.Errorf("%s did not answer within %s; the end of %s:\n%s", s.name, startPatience, p.path(s.log), lastLines(p.path(s.log))),
				p.stop(s))
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// stop ends a server of this place, if it runs.
func (p Place) stop(s server) error {
	running, found := readProcess(p.path(s.record))
	if !found {
		return nil
	}
	return errors.Join(running.end(s.patience), os.Remove(p.path(s.record)))
}

func (s server) healthy(ctx context.Context, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address(port)+s.health, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// address is where a server of a place is reached: from this machine only.
func address(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }
