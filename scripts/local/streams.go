package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// forgetStreams takes out of MiniStack's saved state how far each function had
// read its table's stream. The streams themselves are not saved and begin anew
// at nought, so functions that read on from where they were would miss
// everything until as much again was written.
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
