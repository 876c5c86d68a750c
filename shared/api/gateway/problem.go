package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// Fault is one bad field of a request. Pointer is a JSON pointer (RFC 6901) into
// the body, empty for the whole body; Detail never repeats a value.
type Fault struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
}

// maxFaults keeps an answer far below the 6 MB that a function may return, and
// allows several faults for each contact of the largest request.
const maxFaults = 5000

type problem struct {
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Errors []Fault `json:"errors,omitempty"`
}

// JSON answers with v.
func JSON(status int, v any) Response {
	return answer(status, "application/json", v)
}

// Problem answers with a problem (RFC 9457) whose type is about:blank. Of several
// faults at or below one pointer it keeps the first: for a field of the wrong
// type, "missing" says nothing more. So the faults of Decode must come first.
func Problem(status int, title string, faults ...Fault) Response {
	resp := answer(status, "application/problem+json", problem{Title: title, Status: status, Errors: distinct(faults)})
	switch status {
	case http.StatusUnauthorized:
		resp.Headers["www-authenticate"] = "Bearer"
	case http.StatusServiceUnavailable:
		resp.Headers["retry-after"] = "5"
	}
	return resp
}

func distinct(faults []Fault) []Fault {
	seen := make(map[string]bool, len(faults))
	var kept []Fault
	for _, f := range faults {
		if covered(seen, f.Pointer) {
			continue
		}
		if len(kept) == maxFaults {
			return append(kept, Fault{Detail: "there are more faults, which are not listed"})
		}
		seen[f.Pointer] = true
		kept = append(kept, f)
	}
	return kept
}

// covered reports whether the pointer, or one above it, was seen.
func covered(seen map[string]bool, pointer string) bool {
	for {
		if seen[pointer] {
			return true
		}
		last := strings.LastIndexByte(pointer, '/')
		if last < 0 {
			return false
		}
		pointer = pointer[:last]
	}
}

func answer(status int, contentType string, v any) Response {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// The value has no JSON form: a programming error.
		status, contentType = http.StatusInternalServerError, "application/problem+json"
		body.Reset()
		body.WriteString(`{"title":"internal error","status":500}`)
	}
	return Response{
		StatusCode: status,
		Headers: map[string]string{
			"content-type":           contentType,
			"cache-control":          "no-store",
			"x-content-type-options": "nosniff",
		},
		Body: body.String(),
	}
}
