package hook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// text is a JSON string, number or boolean. Any other value is "": a field of
// another type must not hide the opt-out beside it.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(value []byte) error {
	var given any
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	if decoder.Decode(&given) == nil {
		switch given := given.(type) {
		case string, json.Number, bool:
			*t = text(fmt.Sprint(given))
		}
	}
	return nil
}

// when is a time as providers write it: seconds or milliseconds since 1970,
// RFC 3339, or "2006-01-02 15:04:05" in UTC. Any other value is the zero time.
type when struct{ time.Time }

// UnmarshalJSON never fails.
func (w *when) UnmarshalJSON(value []byte) error {
	*w = readWhen(string(bytes.Trim(value, `"`)))
	return nil
}

func readWhen(s string) when {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, s); err == nil {
			return when{at}
		}
	}
	// A time in milliseconds has three digits more than a time in seconds.
	const milliseconds = 1e11
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || !(n > 0 && n < milliseconds*milliseconds):
		return when{}
	case n >= milliseconds:
		return when{time.UnixMilli(int64(n))}
	}
	whole, part := math.Modf(n)
	return when{time.Unix(int64(whole), int64(part*1e9))}
}
