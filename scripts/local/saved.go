package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"stille/scripts/stackfile"
)

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
