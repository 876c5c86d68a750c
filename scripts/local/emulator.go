package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// What MiniStack takes for an account: it checks no signature.
const (
	region  = "eu-north-1"
	account = "000000000000"
	anyKey  = "test"
)

// Files in a place's folder.
const (
	processFile = "emulator.json" // a process
	logFile     = "emulator.log"
)

const (
	startPatience = 30 * time.Second
	// Saving its state takes MiniStack two to three seconds.
	endPatience = 20 * time.Second
)

// startEmulator starts MiniStack at the place, unless this place's own already
// answers there.
func (p Place) startEmulator(ctx context.Context) error {
	if running, found := readProcess(p.path(processFile)); found && running.runs() {
		if running.Port == p.Port && p.healthy(ctx) {
			return nil
		}
		if err := running.end(endPatience); err != nil {
			return fmt.Errorf("ending the MiniStack of before: %w", err)
		}
	}
	if err := p.portIsFree(); err != nil {
		return err
	}
	// What the functions of a killed MiniStack left behind.
	if err := os.RemoveAll(p.path("tmp")); err != nil {
		return fmt.Errorf("clearing the place of before: %w", err)
	}
	if err := os.MkdirAll(p.path("tmp"), 0o750); err != nil {
		return fmt.Errorf("making the place: %w", err)
	}
	if err := forgetStreams(p.path("state", "lambda.json")); err != nil {
		return err
	}
	ended, err := p.launch()
	if err != nil {
		return fmt.Errorf("starting MiniStack: %w", err)
	}
	return p.awaitHealth(ctx, ended)
}

// stopEmulator ends the MiniStack of this place, if it runs.
func (p Place) stopEmulator() error {
	running, found := readProcess(p.path(processFile))
	if !found {
		return nil
	}
	return errors.Join(running.end(endPatience), os.Remove(p.path(processFile)))
}

// launch starts the process and records it. The channel closes when it ends.
func (p Place) launch() (ended <-chan struct{}, err error) {
	log, err := os.Create(p.path(logFile))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(p.tool("venv", "bin", "python"), "-m", "ministack")
	command.Env = p.emulatorEnvironment()
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
	record, err := identify(command.Process.Pid, p.Port)
	if err != nil {
		return nil, errors.Join(err, command.Process.Kill())
	}
	return done, writeJSON(p.path(processFile), record)
}

func (p Place) emulatorEnvironment() []string {
	environment := append(p.awsEnvironment(),
		"HOME="+p.Folder,
		"TMPDIR="+p.path("tmp"),
		"PYTHONPATH="+filepath.Join(p.Root, "scripts", "local"),
		"PYTHONDONTWRITEBYTECODE=1",
		"GATEWAY_PORT="+strconv.Itoa(p.Port),
		"BIND_HOST=127.0.0.1",
		"IOT_MTLS_ENABLED=0", // else it listens on every interface
		"SFTP_ENABLED=0",     // likewise
		"MINISTACK_REGION="+region,
	)
	if !p.Lasting {
		return append(environment, "STILLE_END_WITH_STDIN=1") // sitecustomize.py
	}
	return append(environment,
		"PERSIST_STATE=1", "STATE_DIR="+p.path("state"),
		"S3_PERSIST=1", "S3_DATA_DIR="+p.path("objects"),
	)
}

// awsEnvironment is a clean environment: whatever MiniStack gets, every
// function inherits, and nothing here may reach a real account.
func (p Place) awsEnvironment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"AWS_REGION=" + region,
		"AWS_DEFAULT_REGION=" + region,
		"AWS_ENDPOINT_URL=" + p.endpoint(),
		"AWS_ACCESS_KEY_ID=" + anyKey,
		"AWS_SECRET_ACCESS_KEY=" + anyKey,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

func (p Place) awaitHealth(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for !p.healthy(ctx) {
		select {
		case <-ended:
			return fmt.Errorf("MiniStack ended before it answered; the end of %s:\n%s", p.path(logFile), lastLines(p.path(logFile)))
		case <-ctx.Done():
			return errors.Join(
				fmt.Errorf("MiniStack did not answer within %s; the end of %s:\n%s", startPatience, p.path(logFile), lastLines(p.path(logFile))),
				p.stopEmulator())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func (p Place) healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.endpoint()+"/_ministack/health", nil)
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

// portIsFree refuses a port that somebody else has: to deploy to a stranger's
// emulator would change it.
func (p Place) portIsFree() error {
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p.Port))
	if err != nil {
		return fmt.Errorf("port %d is taken by something that this project did not start: choose another one with STILLE_PORT", p.Port)
	}
	return listener.Close()
}
