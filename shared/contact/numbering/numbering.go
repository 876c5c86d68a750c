// Package numbering reads phone numbers by the numbering plans of the world:
// which country a number belongs to, and which of its digits are dialled at
// home only.
//
// It promises the very answers of libphonenumber's Parse, in the edition whose
// plans it was generated from; its tests hold it against the library itself.
// It exists because the library reads all of its data whenever a program
// starts, which costs more than the rest of a function's start, and because
// the plans are what a check spends its time on. It takes digits only: what
// people write around them is package contact's to read.
package numbering

import (
	"errors"
	"strconv"
	"strings"
)

//go:generate go run stille/scripts/numbering

// ErrNotANumber means that no number can be made out of the digits.
var ErrNotANumber = errors.New("not a phone number")

// What E.164 and its exceptions allow, in digits.
const (
	leastNational = 2
	mostNational  = 17
	mostDigits    = 250
	leastDigits   = 3 // 2 where there is no +
	mostCode      = 3
)

// Number is a phone number: its country calling code and the digits behind it,
// leading zeros included where they belong to it.
type Number struct {
	Country  int
	National string
}

// AppendE164 appends the number as it is dialled from anywhere.
func (n Number) AppendE164(to []byte) []byte {
	return append(strconv.AppendInt(append(to, '+'), int64(n.Country), 10), n.National...)
}

// HasPossibleLength tells whether numbers of the country can have as many
// digits when dialled from anywhere.
func (n Number) HasPossibleLength() bool {
	p := planOfCode(n.Country)
	return p != nil && p.length(n.National) == possible
}

// WithoutTrunkZero drops the zero at an index of the digits, which somebody
// wrote in brackets because callers from abroad do not dial it. The zero stays
// where no country's code precedes it, and where it belongs to the number.
func WithoutTrunkZero(digits string, zero int, region string) string {
	code, rest := strings.TrimPrefix(digits[:zero], "+"), digits[zero+1:]
	p := planOf(region)
	if p != nil {
		code, _ = p.withoutInternationalPrefix(code)
	}
	if code != "" {
		n, _ := strconv.Atoi(code)
		p = planOfCode(n)
	}
	if p == nil || p.ownsZero(rest) {
		return digits
	}
	return digits[:zero] + rest
}

// Parse reads digits, behind a + where the number says its country itself. The
// region, two capital letters (ISO 3166-1), is where a number without + is
// dialled. Anything else is ErrNotANumber.
func Parse(digits, region string) (Number, error) {
	international, plus := strings.CutPrefix(digits, "+")
	if len(digits) > mostDigits || len(international) < leastNational || plus && len(international) < leastDigits || !decimal(international) {
		return Number{}, ErrNotANumber
	}
	if plus {
		return fromAnywhere(international)
	}
	home := planOf(region)
	if home == nil {
		return Number{}, ErrNotANumber
	}
	if rest, dialled := home.withoutInternationalPrefix(digits); dialled {
		return fromAnywhere(rest)
	}
	if rest, found := home.withoutOwnCode(digits); found {
		return within(home.main(), rest)
	}
	return within(home, digits)
}

// fromAnywhere reads a number that begins with a country's code.
func fromAnywhere(digits string) (Number, error) {
	if len(digits) < leastDigits {
		return Number{}, ErrNotANumber
	}
	for i := 1; i <= mostCode; i++ {
		code, err := strconv.Atoi(digits[:i])
		if err != nil || code == 0 {
			break
		}
		if p := planOfCode(code); p != nil {
			return within(p, digits[i:])
		}
	}
	return Number{}, ErrNotANumber
}

// within reads a number as it is dialled in the plan's country. What is
// dialled before it there is no part of it, unless it is too short without.
func within(p *plan, digits string) (Number, error) {
	if len(digits) < leastNational {
		return Number{}, ErrNotANumber
	}
	if stripped := p.withoutNationalPrefix(digits); p.length(stripped).whole() {
		digits = stripped
	}
	if len(digits) < leastNational || len(digits) > mostNational {
		return Number{}, ErrNotANumber
	}
	return Number{Country: p.code, National: digits}, nil
}

func decimal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
