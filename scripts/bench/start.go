package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// starts is how often each program is started.
const starts = 61

// startUp measures how long check takes from the start of its process to its
// first answer, against a bare handler. The store answers at once; what
// reaching it costs whoever does it, the SDK's own start and four first
// requests, is what a bare handler with these requests takes more than a bare
// one, and is not counted as ours.
func startUp(ctx context.Context) (string, error) {
	programs, err := buildPrograms(ctx, "functions/check", "scripts/bench/bare", "scripts/bench/reach")
	if err != nil {
		return "", err
	}
	held, err := newStore()
	if err != nil {
		return "", err
	}
	event, err := held.event()
	if err != nil {
		return "", err
	}
	server := httptest.NewServer(held)
	defer server.Close()
	policies, err := filepath.Abs("scripts/local")
	if err != nil {
		return "", err
	}
	environment := []string{
		"STILLE_STACK=" + string(benchStack), "LAMBDA_TASK_ROOT=" + policies, "AWS_LAMBDA_FUNCTION_NAME=check",
		"AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=" + server.URL,
	}
	took := make(map[string][]time.Duration)
	for range starts {
		for name, program := range programs {
			once, err := startOnce(ctx, program, event, environment)
			if err != nil {
				return "", err
			}
			took[name] = append(took[name], once)
		}
	}
	return startLine(median(took["check"]), median(took["bare"]), median(took["reach"])), nil
}

func startLine(check, bare, reach time.Duration) string {
	ours := check - (reach - bare)
	return fmt.Sprintf("BENCH Start ratio=%.2f ours=%s raw=%s whole=%s wholeRaw=%s%s", float64(ours)/float64(bare),
		short(ours), short(bare), short(check), short(reach), bars()["Start"])
}

// buildPrograms builds what is started, as scripts/build builds functions, and
// returns where each lies by the name of its folder.
func buildPrograms(ctx context.Context, folders ...string) (map[string]string, error) {
	programs := make(map[string]string)
	for _, folder := range folders {
		name := filepath.Base(folder)
		program, err := filepath.Abs(filepath.Join(".local/bench", name))
		if err != nil {
			return nil, err
		}
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", //nolint:gosec // folders of ours
			"-ldflags", "-s -w", "-o", program, "./"+folder)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS)
		if output, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", folder, err, output)
		}
		programs[name] = program
	}
	return programs, nil
}
