package certificate

import "fmt"

// Chain checks that a certificate, verified with the same public key, stands at
// the end of its class's chain: before are the certificates before it, from the
// class's first on, and each carries the hash of the one before it. One that is
// missing, changed, in another order, of another class or there twice is found;
// one that came after the last cannot be. An error wraps ErrInvalid and says
// which certificate it is about.
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
