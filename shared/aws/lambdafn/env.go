// Package lambdafn reads a function's configuration: environment variables and the
// files that travel in its zip. It promises one complete answer: Err names
// everything that is missing or wrong at once, so that a function which
// refuses to start says all there is to mend. It never repeats a value, and it
// decides nothing: what a value means is its reader's business.
package lambdafn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stille/shared/names"
)

// ErrConfiguration is wrapped by what Err returns.
var ErrConfiguration = errors.New("bad configuration")

// Reader collects a configuration and the mistakes in it.
type Reader struct {
	lookup func(name string) (string, bool)
	faults []fault
}

type fault struct{ name, text string }

// NewReader reads variables with lookup, which is os.LookupEnv outside tests.
func NewReader(lookup func(name string) (string, bool)) *Reader {
	return &Reader{lookup: lookup}
}

// Required returns the variable. Absent and blank are the same mistake.
func (r *Reader) Required(name string) string {
	value := r.Optional(name)
	if value == "" {
		r.faults = append(r.faults, fault{name, name + " is missing"})
	}
	return value
}

// Optional returns the variable, empty where it is absent or blank.
func (r *Reader) Optional(name string) string {
	value, _ := r.lookup(name)
	return strings.TrimSpace(value)
}

// File returns the bytes of a file that was zipped beside the binary, or of
// one in the working directory where Lambda did not unpack anything.
func (r *Reader) File(name string) []byte {
	content, err := os.ReadFile(filepath.Join(r.Optional(names.VarTaskRoot), name))
	if err != nil {
		r.Wrong(name, err)
	}
	return content
}

// Wrong notes that the variable or file of this name does not say what it
// should. A nil err notes nothing, nor does one about what is not there anyway.
func (r *Reader) Wrong(name string, err error) {
	known := slices.ContainsFunc(r.faults, func(f fault) bool { return f.name == name })
	if err != nil && !known {
		r.faults = append(r.faults, fault{name, fmt.Sprintf("%s: %v", name, err)})
	}
}

// Err is nil, or one error that names every mistake found so far and wraps
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
