package certificate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Chain checks that last ends its class's chain. before holds the earlier
// certificates, the class's first one first. Each certificate must carry the
// hash of its predecessor and verify with one of the public keys. Chain finds a
// missing, changed, misplaced or repeated certificate and a certificate of
// another class. An error wraps ErrInvalid and names the certificate.
func Chain(before []Signed, last Signed, publicKeys ...[]byte) error {
	keys, err := parseKeys(publicKeys)
	if err != nil {
		return err
	}
	end, err := last.open(keys)
	if err != nil {
		return err
	}
	previous, runs := "", map[string]bool{}
	for n, signed := range append(before[:len(before):len(before)], last) {
		c, err := signed.open(keys)
		switch {
		case err != nil:
		case c.Class != end.Class:
			err = fmt.Errorf("%w: it is of the class %q, not %q", ErrInvalid, c.Class, end.Class)
		case runs[c.Run]:
			err = fmt.Errorf("%w: its run %q is in the chain twice", ErrInvalid, c.Run)
		case c.Previous != previous && previous == "":
			err = fmt.Errorf("%w: it is not the first of its class", ErrInvalid)
		case c.Previous != previous:
			err = fmt.Errorf("%w: the certificate before it is another", ErrInvalid)
		}
		if err != nil {
			return fmt.Errorf("certificate %d of the chain: %w", n+1, err)
		}
		previous, runs[c.Run] = Hash(signed.JSON), true
	}
	return nil
}

// Before returns the earlier certificates of last's chain, the first one first.
// It finds them by their hashes in all, which may be in any order, and verifies
// no signature. An error wraps ErrInvalid.
func Before(all []Signed, last Signed) ([]Signed, error) {
	byHash := map[string]Signed{}
	for _, signed := range all {
		byHash[Hash(signed.JSON)] = signed
	}
	var before []Signed
	for signed := last; ; {
		var c Certificate
		if err := json.Unmarshal(signed.JSON, &c); err != nil {
			return nil, fmt.Errorf("%w: it cannot be read: %w", ErrInvalid, err)
		}
		if c.Previous == "" {
			slices.Reverse(before)
			return before, nil
		}
		var found bool
		if signed, found = byHash[c.Previous]; !found {
			return nil, fmt.Errorf("%w: the certificate %s before it is missing", ErrInvalid, c.Previous)
		}
		before = append(before, signed)
	}
}

// After returns the certificates of all that are neither last nor before it: first
// those that follow last, in the order of the chain, then those outside the chain,
// which Chain refuses. After verifies no signature.
func After(all, before []Signed, last Signed) []Signed {
	placed := map[string]bool{}
	for _, signed := range append(before[:len(before):len(before)], last) {
		placed[Hash(signed.JSON)] = true
	}
	next := map[string]Signed{} // by the hash of the one before
	for _, signed := range all {
		var c Certificate
		if json.Unmarshal(signed.JSON, &c) == nil && !placed[Hash(signed.JSON)] {
			next[c.Previous] = signed
		}
	}
	var after []Signed
	for signed, found := next[Hash(last.JSON)]; found; signed, found = next[Hash(signed.JSON)] {
		after, placed[Hash(signed.JSON)] = append(after, signed), true
	}
	for _, signed := range all {
		if hash := Hash(signed.JSON); !placed[hash] {
			after, placed[hash] = append(after, signed), true
		}
	}
	return after
}

// End returns the hash of the last certificate of a class's chain. All must be the
// certificates of one chain, in any order. An error wraps ErrInvalid.
func End(all []Signed, publicKeys ...[]byte) (string, error) {
	first := slices.IndexFunc(all, func(signed Signed) bool {
		var c Certificate
		return json.Unmarshal(signed.JSON, &c) == nil && c.Previous == ""
	})
	if first < 0 {
		return "", fmt.Errorf("%w: the first certificate of the class is missing", ErrInvalid)
	}
	chain := append([]Signed{all[first]}, After(all, nil, all[first])...)
	last := chain[len(chain)-1]
	return Hash(last.JSON), Chain(chain[:len(chain)-1], last, publicKeys...)
}

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
