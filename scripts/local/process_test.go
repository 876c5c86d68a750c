package local

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestAProcessThatWeStartedIsEnded(t *testing.T) {
	ours, ended := sleeper(t)
	if !ours.runs() {
		t.Fatal("it does not run")
	}
	if err := ours.end(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("it ended by itself")
	}
	if ours.runs() {
		t.Error("it still runs")
	}
}

func TestAnotherProcessWithTheSameIDLives(t *testing.T) {
	stranger, _ := sleeper(t)
	ours := stranger
	ours.Started = "another time"
	if ours.runs() {
		t.Error("a stranger counts as ours")
	}
	if err := ours.end(time.Second); err != nil {
		t.Fatal(err)
	}
	if !stranger.runs() {
		t.Error("the stranger was ended")
	}
}

func TestProcessThatIgnoresSignalsIsKilledLoudly(t *testing.T) {
	deaf, ended := start(t, "sh", "-c", `trap "" TERM; echo ready; while :; do sleep 0.1; done`)
	if err := deaf.end(100 * time.Millisecond); err == nil {
		t.Error("nothing was said")
	}
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v, want to be killed", err)
	}
}

// sleeper is a process that would run for a minute.
func sleeper(t *testing.T) (process, <-chan error) {
	return start(t, "sh", "-c", "echo ready; exec sleep 60")
}

// start starts a process as the leader of its group and waits for its first
// word. The channel tells how it ended.
func start(t *testing.T, program string, arguments ...string) (process, <-chan error) {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, len("ready"))); err != nil {
		t.Fatal(err)
	}
	started, err := identify(command.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	return started, ended
}
