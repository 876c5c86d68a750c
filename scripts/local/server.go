package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

const startPatience = 2 * time.Minute

// A server is a program of a place that listens on a port: the emulator or the
// phone.
type server struct {
	name     string
	record   string        // the file with its process
	log      string        // the file with its output
	health   string        // the path that answers once the server is ready
	patience time.Duration // time to end before a kill
}

// running returns the place's server as last started, and whether it answers on
// the port (0: on any port). It ends a server that runs and does not answer.
func (p Place) running(ctx context.Context, s server, port int) (before process, answers bool, err error) {
	before, found := readProcess(p.path(s.record))
	if !found || !before.runs() {
		return before, false, nil
	}
	if (port == 0 || before.Port == port) && s.healthy(ctx, before.Port) {
		return before, true, nil
	}
	if err := before.end(s.patience); err != nil {
		return before, false, fmt.Errorf("ending the earlier run of %s: %w", s.name, err)
	}
	return before, false, nil
}

// start starts a server and waits until it answers.
func (p Place) start(ctx context.Context, s server, command *exec.Cmd, port int) error {
	ended, err := p.launch(s, command, port)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	return p.awaitHealth(ctx, s, port, ended)
}

// launch starts a server as a process and records the process. The channel closes
// when the process ends.
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
		// The pipe closes when this process ends.
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
		_ = command.Wait() // the log says how it ended
	}()
	record, err := identify(command.Process.Pid, port)
	if err != nil {
		return nil, errors.Join(err, command.Process.Kill())
	}
	return done, writeJSON(p.path(s.record), record)
}

// awaitHealth waits until a launched server answers.
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

// address is the address of a server, on the loopback interface only.
func address(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

// phone is the server that gets the SMS instead of AWS.
func phone() server {
	return server{name: "the phone", record: "phone.json", log: "phone.log", health: "/sent", patience: 5 * time.Second}
}

// startPhone starts the phone of this place, unless the phone already answers, and
// returns its address. The phone keeps its port, which the functions know.
func (p Place) startPhone(ctx context.Context) (string, error) {
	s := phone()
	before, answers, err := p.running(ctx, s, 0)
	if answers || err != nil {
		return address(before.Port), err
	}
	program := p.tool("bin", "phone")
	if err := p.run(ctx, buildLimit, p.Root, os.Environ(), "go", "build", "-o", program, "./scripts/local/phone"); err != nil {
		return "", fmt.Errorf("building the phone: %w", err)
	}
	port := before.Port
	if port == 0 || !isFree(port) {
		if port, err = freePort(); err != nil {
			return "", fmt.Errorf("finding a port for the phone: %w", err)
		}
	}
	command := exec.Command(program, "--port", strconv.Itoa(port))
	if !p.Lasting {
		command.Args = append(command.Args, "--end-with-stdin")
	}
	return address(port), p.start(ctx, s, command, port)
}
