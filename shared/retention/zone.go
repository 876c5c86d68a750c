package retention

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Years whose clock changes a Fingerprint covers: all that a retention period
// that runs today can touch.
const (
	fingerprintFrom = 2000
	fingerprintTo   = 2040
)

// Fingerprint names a zone and the clock changes that this program knows of
// it, so that a certificate tells by which calendar days were counted. Two
// programs with the same fingerprint count the same days.
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
		end, ends := offsetEnds(t, zone)
		if !ends {
			break
		}
		t = end
	}
	return zone.String() + " " + hex.EncodeToString(sum.Sum(nil)[:8])
}
