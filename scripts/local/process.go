package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is one we started: its id is reused by the system later, so its
// start belongs to its name.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // as the system tells it; only compared
	Port    int    `json:"port"`
}

// identify names a process that runs now.
func identify(pid, port int) (process, error) {
	started, err := startOf(pid)
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	return process{PID: pid, Started: started, Port: port}, nil
}

// runs says whether this very process still runs, and not another with its id.
func (p process) runs() bool {
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

// end asks the process to end and waits; past the patience it is killed. Then
// what it started and left behind is killed too. A process that no longer runs
// is left alone, whoever has its id now.
func (p process) end(patience time.Duration) error {
	if !p.runs() {
		return nil
	}
	if err := syscall.Kill(p.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending process %d: %w", p.PID, err)
	}
	killed := false
	for deadline := time.Now().Add(patience); p.runs(); time.Sleep(50 * time.Millisecond) {
		if killed || time.Now().Before(deadline) {
			continue
		}
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("killing process %d: %w", p.PID, err)
		}
		killed = true
	}
	// It was started as the leader of its group. While a member of the group
	// is left the system gives its id to nobody else.
	if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending what process %d left behind: %w", p.PID, err)
	}
	if killed {
		return fmt.Errorf("process %d did not end within %s and was killed: what it had not saved is lost", p.PID, patience)
	}
	return nil
}

// startOf tells when a process started: on Linux in ticks since boot, elsewhere
// as ps prints it. A process that ended but was not collected has no start.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, fs.ErrNotExist) {
		out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
		return strings.TrimSpace(string(out)), err
	}
	if err != nil {
		return "", err
	}
	// The second field is the program's name in brackets and may hold spaces;
	// the state is the third field, the start the 22nd.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	return fields[19], nil
}

func readProcess(file string) (process, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return process{}, false
	}
	var p process
	return p, json.Unmarshal(data, &p) == nil && p.PID > 1
}

// writeJSON replaces the file at once, so that nobody reads half of it. Only
// the owner may read it: a stack file holds a key.
func writeJSON(file string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.WriteFile(file+".new", append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}
