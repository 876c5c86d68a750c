package retention

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// The years whose clock changes a Fingerprint covers: every year that a
// retention period running today can touch.
const (
	fingerprintFrom = 2000
	fingerprintTo   = 2040
)

// Fingerprint names a zone and its clock changes as this program knows them, so
// that a certificate names the calendar that was used. Two programs with the
// same fingerprint count the same days.
func Fingerprint(zone *time.Location) string {
	sum := sha256.New()
	from := time.Date(fingerprintFrom, time.January, 1, 0, 0, 0, 0, time.UTC)
	to := time.Date(fingerprintTo, time.January, 1, 0, 0, 0, 0, time.UTC)
	last := 0
	for t := from; t.Before(to); {
		if _, offset := t.In(zone).Zone(); offset != last || t.Equal(from) {
			fmt.Fprintf(sum, "%d %d\n", t.Unix(), offset)
			last = offset
		}
		end, changes := nextChange(t, zone)
		if !changes {
			break
		}
		t = end
	}
	return zone.String() + " " + hex.EncodeToString(sum.Sum(nil)[:8])
}
