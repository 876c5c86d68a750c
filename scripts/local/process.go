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

// A process is a process that we started. The system reuses a process id, so the
// time of the start identifies the process, too.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // as the system tells it; only compared
	Port    int    `json:"port"`
}

// identify identifies a process that runs now.
func identify(pid, port int) (process, error) {
	started, err := startOf(pid)
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	return process{PID: pid, Started: started, Port: port}, nil
}

// runs reports whether the process still runs; another process may have its id.
func (p process) runs() bool {
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

// end asks the process to end and waits. After the patience it kills the
// process. Then it kills the remaining processes that this process started. It
// never touches another process that now has the id.
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
	// The process leads its group. The system does not reuse its id while a member
	// of the group runs.
	if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending what process %d left behind: %w", p.PID, err)
	}
	if killed {
		return fmt.Errorf("process %d did not end within %s and was killed: what it had not saved is lost", p.PID, patience)
	}
	return nil
}

// startOf returns when a process started: on Linux in ticks since boot, elsewhere
// as ps prints it. A zombie has no start.
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

// writeJSON replaces the file in one step, so that no reader sees half of it. Only
// the owner may read the file: a stack file holds a key.
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
