package certificate

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Chain checks that last ends its class's chain. before holds the earlier
// certificates, the class's first one first. Each certificate must carry the
// hash of its predecessor and verify with the public key. Chain finds a
// missing, changed, misplaced or repeated certificate and a certificate of
// another class. It cannot find a certificate issued later. An error wraps
// ErrInvalid and names the certificate.
func Chain(before []Signed, last Signed, publicKey []byte) error {
	key, err := ParsePublicKey(publicKey)
	if err != nil {
		return err
	}
	end, err := last.open(key)
	if err != nil {
		return err
	}
	previous, runs := "", map[string]bool{}
	for n, signed := range append(before[:len(before):len(before)], last) {
		c, err := signed.open(key)
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
