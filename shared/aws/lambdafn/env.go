package lambdafn

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stille/shared/names"
)

// ErrConfiguration is wrapped by the error of Reader.Err.
var ErrConfiguration = errors.New("bad configuration")

// Reader reads the configuration of a function, environment variables and files
// of its zip, and collects the mistakes. It never repeats a value.
type Reader struct {
	lookup func(name string) (string, bool)
	faults []fault
}

type fault struct{ name, text string }

// NewReader reads variables with lookup, which is os.LookupEnv outside tests.
func NewReader(lookup func(name string) (string, bool)) *Reader {
	return &Reader{lookup: lookup}
}

// Required returns the variable, and notes a mistake if it is absent or blank.
func (r *Reader) Required(name string) string {
	value := r.Optional(name)
	if value == "" {
		r.faults = append(r.faults, fault{name, name + " is missing"})
	}
	return value
}

// Optional returns the variable, empty if it is absent or blank.
func (r *Reader) Optional(name string) string {
	value, _ := r.lookup(name)
	return strings.TrimSpace(value)
}

// JSON decodes the variable, and leaves into as it is where the variable is absent.
func (r *Reader) JSON(name string, into any) {
	if value := r.Optional(name); value != "" && json.Unmarshal([]byte(value), into) != nil {
		r.faults = append(r.faults, fault{name, name + " is no JSON of the right form"})
	}
}

// File returns a file of the function's zip; outside Lambda, a file of the
// working directory.
func (r *Reader) File(name string) []byte {
	content, err := os.ReadFile(filepath.Join(r.Optional(names.VarTaskRoot), name))
	if err != nil {
		r.Wrong(name, err)
	}
	return content
}

// Wrong notes a mistake in the variable or file of this name. It notes nothing if
// err is nil or if the variable or file is already known to be missing.
func (r *Reader) Wrong(name string, err error) {
	known := slices.ContainsFunc(r.faults, func(f fault) bool { return f.name == name })
	if err != nil && !known {
		r.faults = append(r.faults, fault{name, fmt.Sprintf("%s: %v", name, err)})
	}
}

// Err returns nil, or one error that names every mistake found so far and wraps
// ErrConfiguration.
func (r *Reader) Err() error {
	if len(r.faults) == 0 {
		return nil
	}
	texts := make([]string, len(r.faults))
	for i, f := range r.faults {
		texts[i] = f.text
	}
	return fmt.Errorf("%w: %s", ErrConfiguration, strings.Join(texts, "; "))
}
