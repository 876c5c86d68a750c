package certificate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// List is what a certificate says of the list of one shard: the HMACs of the
// deleted records.
type List struct {
	Count  int    `json:"count"`
	SHA256 string `json:"sha256"` // of the file, in hex
}

// Lists reads the list of a shard: the HMACs of the deleted records, sorted, one
// a line.
type Lists func(shard string) ([]byte, error)

// keysFolder holds the lists, in the evidence bucket and in a bundle.
const keysFolder = "keys"

// ListFile is the file of a shard's list.
func ListFile(shard string) string { return keysFolder + "/" + shard + ".txt" }

// AppendKey adds a key to the file of a shard's list. The keys must come in their
// order.
func AppendKey(file []byte, key string) []byte { return append(append(file, key...), '\n') }

// NewList returns what a certificate says of the file of a list.
func NewList(file []byte) List {
	return List{Count: bytes.Count(file, []byte("\n")), SHA256: Hash(file)}
}

// check compares the list with the file of its shard.
func (l List) check(shard string, file []byte) error {
	switch {
	case Hash(file) != l.SHA256:
		return fmt.Errorf("%w: %s is another list", ErrInvalid, ListFile(shard))
	case bytes.Count(file, []byte("\n")) != l.Count || l.Count == 0 || file[len(file)-1] != '\n':
		return fmt.Errorf("%w: %s does not have %d keys, one a line", ErrInvalid, ListFile(shard), l.Count)
	case !slices.IsSorted(strings.Split(string(file[:len(file)-1]), "\n")):
		return fmt.Errorf("%w: %s is not sorted", ErrInvalid, ListFile(shard))
	}
	return nil
}

// Contains reports whether the file of a list has the key.
func Contains(file []byte, key string) bool {
	line := []byte(key + "\n")
	return key != "" && (bytes.HasPrefix(file, line) || bytes.Contains(file, append([]byte("\n"), line...)))
}
