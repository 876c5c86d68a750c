package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// phone is the server that gets the SMS instead of AWS.
func phone() server {
	return server{name: "the phone", record: "phone.json", log: "phone.log", health: "/sent", patience: 5 * time.Second}
}

// startPhone starts the phone of this place, unless the phone already answers, and
// returns its address. The phone keeps its port, which the functions know.
func (p Place) startPhone(ctx context.Context) (string, error) {
	s := phone()
	before, answers, err := p.running(ctx, s, 0)
	if answers || err != nil {
		return address(before.Port), err
	}
	program := p.tool("bin", "phone")
	if err := p.run(ctx, buildLimit, p.Root, os.Environ(), "go", "build", "-o", program, "./scripts/local/phone"); err != nil {
		return "", fmt.Errorf("building the phone: %w", err)
	}
	port := before.Port
	if port == 0 || !isFree(port) {
		if port, err = freePort(); err != nil {
			return "", fmt.Errorf("finding a port for the phone: %w", err)
		}
	}
	command := exec.Command(program, "--port", strconv.Itoa(port))
	if !p.Lasting {
		command.Args = append(command.Args, "--end-with-stdin")
	}
	return address(port), p.start(ctx, s, command, port)
}
