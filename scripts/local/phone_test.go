package local

import (
	"errors"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// near is a place with the project's code and a temporary folder.
func near(t *testing.T) Place {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	p := Place{Root: root, Folder: t.TempDir()}
	t.Cleanup(func() { _ = p.stop(phone()) })
	return p
}

func startedPhone(t *testing.T, p Place) (process, string) {
	t.Helper()
	at, err := p.startPhone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	running, _ := readProcess(p.path(phone().record))
	if !phone().healthy(t.Context(), running.Port) || at != address(running.Port) {
		t.Fatalf("it does not answer at %s", at)
	}
	return running, at
}

func TestPhoneStartsOnceAndEndsWithItsPlace(t *testing.T) {
	p := near(t)
	first, at := startedPhone(t, p)
	again, sameAt := startedPhone(t, p)
	if again != first || sameAt != at {
		t.Errorf("started a second one: %+v beside %+v", again, first)
	}
	if err := p.stop(phone()); err != nil {
		t.Fatal(err)
	}
	if first.runs() {
		t.Error("it still runs")
	}
	if _, err := os.Stat(p.path(phone().record)); !os.IsNotExist(err) {
		t.Errorf("its record is still there: %v", err)
	}
}

func TestKilledPhoneReturnsOnItsPortUnlessTaken(t *testing.T) {
	p := near(t)
	kill := func(running process) {
		t.Helper()
		if err := running.end(phone().patience); err != nil {
			t.Fatal(err)
		}
	}
	first, at := startedPhone(t, p)
	kill(first)
	second, sameAt := startedPhone(t, p)
	if second.PID == first.PID || sameAt != at {
		t.Errorf("it came back at %s, want %s", sameAt, at)
	}
	kill(second)
	stranger, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(second.Port))
	for n := 0; errors.Is(err, syscall.EADDRINUSE) && n < 100; n++ { // another program took the port for a moment
		time.Sleep(100 * time.Millisecond)
		stranger, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(second.Port))
	}
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, other := startedPhone(t, p); other == at {
		t.Error("it has the port of a stranger")
	}
}
