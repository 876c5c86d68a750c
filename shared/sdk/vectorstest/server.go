package vectorstest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// Server answers as the vectors say. The API of vector n is at URL/n; what the
// server saw of it is at URL/n/seen. The API and SES of a sender's case n are at
// URL/mail/n.
type Server struct {
	URL   string
	all   []Vector
	now   func() time.Time
	other *httptest.Server
	mu    sync.Mutex
	seen  []Seen
	mail  *Mail
}

// Seen is what the server saw of one vector's client.
type Seen struct {
	Requests int    `json:"requests"`
	Wrong    string `json:"wrong"` // what was not as it must be
}

// Serve starts a server, and a second server that must not be asked. It returns what
// ends both.
func Serve(all []Vector, now func() time.Time) (*Server, func(), error) {
	s := &Server{all: all, now: now, seen: make([]Seen, len(all))}
	var err error
	if s.mail, err = NewMail(all, now); err != nil {
		return nil, nil, err
	}
	api := httptest.NewServer(s)
	s.other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if vector, err := strconv.Atoi(n); err == nil {
			s.wrong(vector, "another server was asked")
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"asOf":%q,"results":[{"send":true,"key":"K"}]}`, s.now().UTC().Format(time.RFC3339))
	}))
	s.URL = api.URL
	return s, func() {
		api.CloseClientConnections()
		api.Close()
		s.other.Close()
	}, nil
}

func (s *Server) wrong(n int, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[n].Wrong = what
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, route, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if number == "mail" {
		s.serveMail(w, r, route)
		return
	}
	n, err := strconv.Atoi(number)
	if err != nil || n >= len(s.all) {
		http.NotFound(w, r)
		return
	}
	if route == "seen" {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(s.seen[n]) // the runner notices
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer := s.next(n)
	if wrong := fault(s.all[n], r, route, body); wrong != "" {
		s.wrong(n, wrong)
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.wrong(n, "the connection cannot be taken over")
		return
	}
	defer connection.Close() //nolint:errcheck // the client may be gone
	s.write(connection, answer, n)
}

// next counts a request and returns its answer.
func (s *Server) next(n int) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	answers := s.all[n].Answers
	answer := answers[min(s.seen[n].Requests, len(answers)-1)]
	s.seen[n].Requests++
	return answer
}

// fault names what is wrong with a request.
func fault(v Vector, r *http.Request, route string, body []byte) string {
	routes := map[string]string{"v1/check": "check maySend", "v1/links": "links", "v1/suppressions": "suppress", "v1/suppressions/release": "release"}
	var got, want any
	switch err := json.Unmarshal(body, &got); {
	case err != nil:
		return "the body is not JSON"
	case r.Method != http.MethodPost || !strings.Contains(routes[route], v.Calls[0].Call):
		return "the route is " + r.Method + " " + route
	case r.Header.Get("Authorization") != "Bearer "+Key || r.Header.Get("Content-Type") != "application/json":
		return "the headers are not those of a call"
	case v.Request != nil && (json.Unmarshal(v.Request, &want) != nil || !reflect.DeepEqual(got, want)):
		return "the body is " + string(body)
	}
	return ""
}

// write answers on the wire. A fault is one of
//
//	close, reset, noise       no answer of HTTP
//	cut, cut-head, cut-chunked  an answer that breaks off
//	hang, hang-body           no answer, or none after its head
//	slow, drip, drip-head     an answer that takes its time
//	chunked, long             a body of unknown length
func (s *Server) write(to net.Conn, a Answer, n int) {
	body := encode(s.fill(a.Body, n), a.Encode)
	chunked := strings.HasSuffix(a.Fault, "chunked") || a.Fault == "long" || a.Fault == "drip"
	head := head(a, len(body), chunked, func(text string) string { return s.fill(text, n) })
	switch a.Fault {
	case "close":
	case "reset":
		_ = to.(*net.TCPConn).SetLinger(0) //nolint:errcheck // a server of HTTP has no other connections
	case "noise":
		send(to, "220 mail.example ESMTP\r\n\r\n")
	case "hang":
		wait(to, time.Minute)
	case "hang-body":
		send(to, head)
		wait(to, time.Minute)
	case "cut-head":
		send(to, head[:len(head)/2])
	case "cut":
		send(to, head, string(body[:len(body)-1]))
	case "cut-chunked":
		send(to, head, chunk(body))
	case "chunked":
		send(to, head, chunk(body[:9]), chunk(body[9:]), "0\r\n\r\n")
	case "long":
		send(to, head, chunk(body), chunk([]byte(strings.Repeat(" ", 9<<20))), "0\r\n\r\n")
	case "drip":
		for _, b := range append([]byte(head), chunk(body)...) {
			if b != '{' { // the head and the first bytes come at once
				send(to, string(b))
				continue
			}
			wait(to, 100*time.Millisecond)
			send(to, string(b))
		}
		for wait(to, 100*time.Millisecond) && send(to, chunk([]byte(" "))) {
		}
	case "drip-head":
		send(to, "HTTP/1.1 200 OK\r\n")
		for wait(to, 100*time.Millisecond) && send(to, "X") {
		}
	default:
		if a.Fault == "slow" {
			wait(to, 2*time.Second)
		}
		send(to, head, string(body))
	}
}

// encode writes a text in latin-1, where each character is a byte, in utf-16 or
// utf-32, little-endian, in utf-8-mark, with a byte order mark, packed by gzip, or
// in UTF-8.
func encode(text, code string) []byte {
	var b []byte
	switch code {
	case "latin-1":
		for _, r := range text {
			b = append(b, byte(r))
		}
	case "utf-16":
		for _, unit := range utf16.Encode([]rune(text)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
	case "utf-32":
		for _, r := range text {
			b = binary.LittleEndian.AppendUint32(b, uint32(r))
		}
	case "gzip":
		var packed bytes.Buffer
		to := gzip.NewWriter(&packed)
		_, _ = io.WriteString(to, text) // a buffer takes all
		_ = to.Close()                  // likewise
		b = packed.Bytes()
	case "utf-8-mark":
		b = append([]byte("\xef\xbb\xbf"), text...)
	default:
		b = []byte(text)
	}
	return b
}

// head is the answer's status line and header lines.
func head(a Answer, length int, chunked bool, fill func(string) string) string {
	status := http.StatusOK
	if a.Status != nil {
		status = *a.Status
	}
	kind := "application/json"
	headers := map[string]*string{"Content-Type": &kind}
	for name, value := range a.Headers {
		headers[name] = value
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %03d Told\r\nConnection: close\r\n", status)
	switch {
	case chunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case status != http.StatusNoContent && status != http.StatusNotModified:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", length)
	}
	for name, value := range headers {
		if value != nil {
			fmt.Fprintf(&b, "%s: %s\r\n", name, fill(*value))
		}
	}
	return b.String() + "\r\n"
}

func chunk(data []byte) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

// send writes, and tells whether the client is still there.
func send(to net.Conn, texts ...string) bool {
	_, err := io.WriteString(to, strings.Join(texts, ""))
	return err == nil
}

// wait waits, and tells whether the client is still there.
func wait(to net.Conn, d time.Duration) bool {
	if err := to.SetReadDeadline(time.Now().Add(d)); err != nil { //nolint:forbidigo // of a socket
		return false
	}
	_, err := bufio.NewReader(to).ReadByte()
	timeout, ok := err.(net.Error) //nolint:errorlint // as net returns it
	return ok && timeout.Timeout()
}

var (
	repeated = regexp.MustCompile(`@(\d+)\*([^@]+)@`)             //nolint:gochecknoglobals // a constant
	moment   = regexp.MustCompile(`@(now|small|date)([+-]\d+)?@`) //nolint:gochecknoglobals // a constant
)

// fill puts times, addresses and repetitions into a text.
func (s *Server) fill(text string, n int) string {
	text = strings.NewReplacer("@key@", Key, "@other@", fmt.Sprintf("%s/%d", s.other.URL, n)).Replace(text)
	return fill(text, s.now())
}

func fill(text string, now time.Time) string {
	text = repeated.ReplaceAllStringFunc(text, func(found string) string {
		parts := repeated.FindStringSubmatch(found)
		count, _ := strconv.Atoi(parts[1])
		return strings.Repeat(parts[2], count)
	})
	return moment.ReplaceAllStringFunc(text, func(found string) string {
		parts := moment.FindStringSubmatch(found)
		seconds, _ := strconv.Atoi(parts[2])
		at := now.UTC().Add(time.Duration(seconds) * time.Second)
		const layout = "2006-01-02T15:04:05.000Z"
		switch parts[1] {
		case "date":
			return at.Format(http.TimeFormat)
		case "small":
			return strings.ToLower(at.Format(layout))
		}
		return at.Format(layout)
	})
}
