package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// repeated returns a fault for the first object of valid JSON that has a name
// twice. Readers of JSON disagree on which of the two counts: a proxy might check
// another address than the address that is stored.
func repeated(body []byte) []Fault {
	var open []level // the objects and lists around the next value, the outermost first
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{':
			open = append(open, level{object: true, named: true, names: room(open)})
		case '[':
			open = append(open, level{})
		case '}', ']':
			open = open[:len(open)-1]
		case ',':
			last := &open[len(open)-1]
			last.at++
			last.named = last.object
		case '"':
			end := endOfString(body, i)
			if last := len(open) - 1; last >= 0 && open[last].named {
				open[last].named = false
				name := unquoted(body[i:end])
				if open[last].has(name) {
					return []Fault{{pointer(open), repeatedName(name)}}
				}
			}
			i = end - 1
		}
	}
	return nil
}

// room returns the space that the names of a level took which ended before: a request
// has a thousand contacts.
func room(open []level) [][]byte {
	if len(open) == cap(open) {
		return nil
	}
	return open[:len(open)+1][len(open)].names[:0]
}

// level is an object or a list that a scan is in.
type level struct {
	object bool
	named  bool // the next string is a name
	at     int  // the index of the element that the scan is at
	names  [][]byte
	many   map[string]bool // the names, once there are many
}

// few is up to how many names are compared one by one.
const few = 16

// has reports whether the object has the name already, and adds the name.
func (l *level) has(name []byte) bool {
	if l.many != nil {
		known := l.many[string(name)]
		l.many[string(name)] = true
		l.names[0] = name
		return known
	}
	for _, known := range l.names {
		if bytes.Equal(known, name) {
			return true
		}
	}
	if l.names = append(l.names, name); len(l.names) > few {
		l.many = make(map[string]bool, 2*few)
		for _, known := range l.names {
			l.many[string(known)] = true
		}
		l.names = l.names[len(l.names)-1:]
	}
	return false
}

// pointer is the JSON pointer of the innermost object.
func pointer(open []level) string {
	path := ""
	for _, l := range open[:len(open)-1] {
		if !l.object {
			path += "/" + strconv.Itoa(l.at)
			continue
		}
		name := string(l.names[len(l.names)-1])
		if !isFieldName(name) {
			return path // an answer repeats no address
		}
		path += "/" + name
	}
	return path
}

func repeatedName(name []byte) string {
	if isFieldName(string(name)) {
		return "has the field " + string(name) + " twice"
	}
	return "has a field twice"
}

// endOfString returns the index behind a string that begins at start.
func endOfString(body []byte, start int) int {
	for i := start + 1; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(body)
}

func unquoted(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return quoted // no JSON after all, which the decoder has refused
	}
	return []byte(name)
}
