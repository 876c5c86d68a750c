package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"stille/shared/operator"
)

const (
	byteOrderMark = "\ufeff"
	ahead         = 1 << 16 // bytes that are looked at before the first line is read
	longestLine   = 4 << 20
)

// Ends says where a line ends.
type Ends bool

const (
	// FirstEnd ends a line where the character stands that ends the file's first
	// line. Any other end of line is part of the line.
	FirstEnd Ends = false
	// EveryEnd ends a line at each character that any system ends a line with.
	EveryEnd Ends = true
)

// byteOrder is how a number of two bytes is read and written.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// encoding is how the file writes its characters. The zero encoding has units of
// one byte: UTF-8, or an older encoding of one byte a character.
type encoding struct {
	order byteOrder        // of UTF-16; nil for units of one byte
	old   *charmap.Charmap // of a line that is not UTF-8
}

// lines reads a file line by line, in any encoding.
type lines struct {
	encoding
	scan *bufio.Scanner
	end  rune   // that ends a line; 0 for every end of line
	mark []byte // the byte order mark
}

// line is one line, as it stands in the file and as text.
type line struct {
	raw     []byte // with its end
	text    string // without its end
	guessed bool   // the line is not in the encoding of the file
}

// readLines finds out how the file is written. The error is a Mistake where the
// file is no text.
func readLines(in io.Reader, ends Ends) (*lines, error) {
	buffer := bufio.NewReaderSize(in, ahead)
	head, err := buffer.Peek(ahead)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	for _, magic := range []string{"PK\x03\x04", "\xd0\xcf\x11\xe0", "\x1f\x8b", "%PDF", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return nil, operator.Mistakef("the file is no text (a spreadsheet, an archive or UTF-32): save it as CSV UTF-8")
		}
	}
	l := &lines{}
	l.order, l.mark = orderOf(head)
	_, _ = buffer.Discard(len(l.mark))
	first := firstEnd(l.encoding, head[len(l.mark):])
	l.old = charmap.Windows1252
	if first == '\r' {
		l.old = charmap.Macintosh
	}
	if ends == FirstEnd {
		l.end = first
	}
	l.scan = bufio.NewScanner(buffer)
	l.scan.Buffer(make([]byte, 0, ahead), longestLine)
	l.scan.Split(l.cut)
	return l, nil
}

// orderOf finds the byte order of UTF-16 and the byte order mark. UTF-16 without a
// mark is known by the zeros of its first two letters.
func orderOf(head []byte) (byteOrder, []byte) {
	switch {
	case bytes.HasPrefix(head, []byte(byteOrderMark)):
		return nil, head[:len(byteOrderMark)]
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return binary.LittleEndian, head[:2]
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return binary.BigEndian, head[:2]
	case len(head) < 4:
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return binary.LittleEndian, nil
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return binary.BigEndian, nil
	}
	return nil, nil
}

// unit is the next character of the bytes; of no size where bytes are missing.
func (e encoding) unit(b []byte) (r rune, size int) {
	switch {
	case len(b) == 0, e.order != nil && len(b) < 2:
		return 0, 0
	case e.order != nil:
		return rune(e.order.Uint16(b)), 2
	case b[0] < utf8.RuneSelf:
		return rune(b[0]), 1
	case !utf8.FullRune(b):
		return 0, 0
	}
	return utf8.DecodeRune(b)
}

const everyEnd = "\n\r\u0085\u2028\u2029"

// firstEnd is the character that ends the first line. A quoted header may have
// other ends of line inside.
func firstEnd(e encoding, head []byte) rune {
	quoted := false
	for i := 0; i < len(head); {
		r, size := e.unit(head[i:])
		if size == 0 {
			break
		}
		i += size
		switch next, _ := e.unit(head[i:]); {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == '\r' && next == '\n':
			return '\n'
		case strings.ContainsRune(everyEnd, r):
			return r
		}
	}
	return '\n'
}

// cut splits the file into lines, each with its end.
func (l *lines) cut(data []byte, atEOF bool) (advance int, token []byte, err error) {
	ends := string(l.end)
	if l.end == 0 {
		ends = everyEnd
	}
	for i := 0; i < len(data); {
		r, size := l.unit(data[i:])
		if size == 0 {
			break
		}
		i += size
		if !strings.ContainsRune(ends, r) {
			continue
		}
		if r == '\r' { // a \n behind it belongs to it
			next, size := l.unit(data[i:])
			if size == 0 && !atEOF {
				return 0, nil, nil
			}
			if next == '\n' {
				i += size
			}
		}
		return i, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// next returns the next line; at the end of the file the error is io.EOF.
func (l *lines) next() (line, error) {
	if !l.scan.Scan() {
		err := l.scan.Err()
		switch {
		case err == nil:
			return line{}, io.EOF
		case errors.Is(err, bufio.ErrTooLong):
			return line{}, operator.Mistakef("a line is longer than 4 MB, or the lines end in different ways: save the file as CSV UTF-8")
		}
		return line{}, fmt.Errorf("reading the file: %w", err)
	}
	raw := bytes.Clone(l.scan.Bytes())
	text, sure := l.decode(raw)
	return line{raw: raw, text: strings.Trim(text, everyEnd), guessed: !sure}, nil
}

// decode reads the text of bytes. It is not sure of bytes that the encoding of the
// file does not have.
func (e encoding) decode(raw []byte) (text string, sure bool) {
	if e.order == nil {
		if utf8.Valid(raw) {
			return string(raw), true
		}
		text, _ := e.old.NewDecoder().String(string(raw)) // never fails: each byte is a character
		return text, false
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = e.order.Uint16(raw[2*i:])
	}
	text = string(utf16.Decode(units))
	return text, len(raw)%2 == 0 && !strings.ContainsRune(text, utf8.RuneError)
}

// encode writes a text as the file writes it.
func (e encoding) encode(text string) []byte {
	if e.order == nil {
		return []byte(text)
	}
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = e.order.AppendUint16(raw, unit)
	}
	return raw
}
