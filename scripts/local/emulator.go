package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stille/scripts/stackfile"
)

// The account of MiniStack, which checks no signature.
const (
	region  = "eu-north-1"
	account = "000000000000"
	anyKey  = "test"
)

// processFile also marks a folder as a place.
const processFile = "emulator.json"

// emulator is MiniStack, which takes two to three seconds to save its state.
func emulator() server {
	return server{name: "MiniStack", record: processFile, log: "emulator.log", health: "/_ministack/health", patience: time.Minute}
}

// startEmulator starts MiniStack at the place, unless the place's MiniStack already
// answers.
func (p Place) startEmulator(ctx context.Context) error {
	s := emulator()
	if _, answers, err := p.running(ctx, s, p.Port); answers || err != nil {
		return err
	}
	if err := p.portIsFree(); err != nil {
		return err
	}
	// The functions of a killed MiniStack leave files here.
	if err := os.RemoveAll(p.path("tmp")); err != nil {
		return fmt.Errorf("clearing the place: %w", err)
	}
	if err := os.MkdirAll(p.path("tmp"), 0o750); err != nil {
		return fmt.Errorf("making the place: %w", err)
	}
	if err := p.moveSaved(); err != nil {
		return err
	}
	if err := forgetStreams(p.path("state", "lambda.json")); err != nil {
		return err
	}
	command := exec.Command(p.tool("venv", "bin", "python"), "-m", "ministack")
	command.Env = p.emulatorEnvironment()
	return p.start(ctx, s, command, p.Port)
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
		"SFTP_ENABLED=0",     // else it listens on every interface
		"MINISTACK_REGION="+region,
	)
	if p.Enforcing {
		environment = append(environment, "AUTH=true")
	}
	if !p.Lasting {
		return append(environment, "STILLE_END_WITH_STDIN=1") // sitecustomize.py
	}
	return append(environment,
		"PERSIST_STATE=1", "STATE_DIR="+p.path("state"),
		"S3_PERSIST=1", "S3_DATA_DIR="+p.path("objects"),
	)
}

// awsEnvironment is a clean environment: every function inherits the environment
// of MiniStack, and nothing here must reach a real account.
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

// portIsFree refuses a port that another program has: a deploy would change a
// stranger's emulator.
func (p Place) portIsFree() error {
	if !isFree(p.Port) {
		return fmt.Errorf("port %d is taken by something that this project did not start: choose another one with STILLE_PORT", p.Port)
	}
	return nil
}

// moveSaved writes the place's port into MiniStack's saved state, where the stack was
// on another port before. MiniStack finds a queue by an address with the port, and no
// function would get the queue's messages.
func (p Place) moveSaved() error {
	before, err := stackfile.Read(p.File)
	if err != nil || before.Endpoint == p.endpoint() {
		return nil //nolint:nilerr // without a stack file there is no saved state
	}
	_, port, _ := strings.Cut(before.Endpoint, "//127.0.0.1:")
	address := regexp.MustCompile(`\b(localhost|127\.0\.0\.1):` + regexp.QuoteMeta(port) + `\b`)
	files, err := filepath.Glob(p.path("state", "*.json"))
	for _, file := range files {
		saved, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, address.ReplaceAll(saved, []byte("${1}:"+strconv.Itoa(p.Port))), 0o600)
		}
		if err != nil {
			return fmt.Errorf("moving the saved state to port %d: %w", p.Port, err)
		}
	}
	return err
}

// forgetStreams removes from MiniStack's saved state the position of each function
// in its table's stream. MiniStack does not save the streams: they start again at
// position 0, and a function that continued at its old position would miss every
// change before that position.
func forgetStreams(file string) error {
	saved, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the saved state: %w", err)
	}
	var state, payload map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(saved, &state), json.Unmarshal(state["payload"], &payload)); err != nil {
		return fmt.Errorf("reading the saved state in %s: %w", file, err)
	}
	delete(payload, "dynamodb_stream_positions")
	if state["payload"], err = json.Marshal(payload); err != nil {
		return fmt.Errorf("writing the saved state: %w", err)
	}
	return writeJSON(file, state)
}
