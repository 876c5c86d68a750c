package link

import (
	"math/bits"
	"strings"
)

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
		digits[i] = base62Alphabet[rest]
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
		digit := strings.IndexByte(base62Alphabet, s[i])
		if digit < 0 {
			return 0, 0, false
		}
		overflow, top := bits.Mul64(high, base62)
		carry, bottom := bits.Mul64(low, base62)
		bottom, c := bits.Add64(bottom, uint64(digit), 0)
		top, c = bits.Add64(top, carry, c)
		if overflow != 0 || c != 0 {
			return 0, 0, false
		}
		high, low = top, bottom
	}
	return high, low, true
}
