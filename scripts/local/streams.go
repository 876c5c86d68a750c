package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

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
