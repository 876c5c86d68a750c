package retention

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Shards is the number of parts into which each class table's indexes, the
// fences and each purge are divided. It must never change: records carry their
// shard.
const Shards = 64

// Shard is the shard of a subject or of a record without one: two hex digits,
// "00" to "3f", from the SHA-256 of the text.
func Shard(subjectOrID string) string {
	sum := sha256.Sum256([]byte(subjectOrID))
	return ShardName(int(sum[0] % Shards))
}

// ShardName is the name of shard n, from 0 up to but not including Shards.
func ShardName(n int) string { return fmt.Sprintf("%02x", n) }

// IsShard reports whether the name is a shard's. No purge reads a record in any
// other shard.
func IsShard(name string) bool {
	n, err := strconv.ParseUint(name, 16, 8)
	return err == nil && n < Shards && ShardName(int(n)) == name
}

// Shard is the shard of the record's subject, so that one fence guards all
// records of a subject against a hold. Without a subject it is the shard of the
// record's id.
func (r Record) Shard() string {
	if r.Subject != "" {
		return Shard(string(r.Subject))
	}
	return Shard(r.ID)
}

// sortLayout is UTC in whole seconds. Texts in it sort by time. RFC 3339 with
// fractions does not: "…00.5Z" sorts before "…00Z".
const sortLayout = "2006-01-02T15:04:05Z"

// ErrSort is returned for text that Sort does not write.
var ErrSort = errors.New("not a time like 2006-01-02T15:04:05Z")

// Sort is t, in a year from 0 to 9999, as a sort key: fractions of a second
// are dropped.
func Sort(t time.Time) string { return t.UTC().Format(sortLayout) }

// ParseSort reads the form that Sort writes and refuses every other.
func ParseSort(s string) (time.Time, error) {
	t, err := time.Parse(sortLayout, s)
	if err != nil || Sort(t) != s {
		return time.Time{}, ErrSort
	}
	return t, nil
}

// ActiveSort is the record's place in the index of running records. It is empty
// for a record with a place in the index by start.
func (r Record) ActiveSort(sort string) string {
	if sort != "" {
		return ""
	}
	return Sort(r.ActiveAt())
}
