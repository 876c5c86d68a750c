package link

import "math/bits"

const (
	base62 = 62
	// base62Width is the number of digits that 128 bits need.
	base62Width    = 22
	base62Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// appendBase62 appends a 128-bit number in base62Width digits.
func appendBase62(b []byte, high, low uint64) []byte {
	var digits [base62Width]byte
	for i := len(digits) - 1; i >= 0; i-- {
		var rest uint64
		high, rest = high/base62, high%base62
		low, rest = bits.Div64(rest, low, base62)
		digits[i] = base62Char(rest)
	}
	return append(b, digits[:]...)
}

// parseBase62 is the inverse of appendBase62. It refuses any other character or
// width, and numbers of 2^128 and more.
func parseBase62(s string) (high, low uint64, ok bool) {
	if len(s) != base62Width {
		return 0, 0, false
	}
	for i := range len(s) {
		digit, valid := base62Value(s[i])
		if !valid {
			return 0, 0, false
		}
		overflow, top := bits.Mul64(high, base62)
		carry, bottom := bits.Mul64(low, base62)
		bottom, c := bits.Add64(bottom, digit, 0)
		top, c = bits.Add64(top, carry, c)
		if overflow != 0 || c != 0 {
			return 0, 0, false
		}
		high, low = top, bottom
	}
	return high, low, true
}

// base62Char returns the digit of a value below 62.
func base62Char(value uint64) byte { return base62Alphabet[value] }

func base62Value(c byte) (value uint64, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0'), true
	case c >= 'A' && c <= 'Z':
		return uint64(c-'A') + 10, true
	case c >= 'a' && c <= 'z':
		return uint64(c-'a') + 36, true
	}
	return 0, false
}
