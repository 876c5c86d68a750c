// Command stack starts and ends the project's own local stack, and calls its
// functions.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"stille/scripts/local"
	"stille/scripts/stackfile"
	"stille/shared/names"
)

type commands struct {
	Up     up     `cmd:"" help:"Start the stack, or bring the running one up to date. Its data stays."`
	Down   down   `cmd:"" help:"End the stack. Its data stays for the next up."`
	Invoke invoke `cmd:"" help:"Call a function with an event of events/."`
}

type up struct {
	Port int `default:"4566" env:"STILLE_PORT" help:"Port of the emulator on 127.0.0.1."`
}

// Run starts the stack.
func (u up) Run(ctx context.Context) error {
	root, err := local.Root()
	if err != nil {
		return err
	}
	_, err = local.Up(ctx, local.Lasting(root, u.Port), os.Stdout)
	return err
}

type down struct{}

// Run ends the stack, on whatever port it is.
func (down) Run() error {
	root, err := local.Root()
	if err != nil {
		return err
	}
	return local.Down(local.Lasting(root, 0))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	command := kong.Parse(&commands{},
		kong.Name("stack"),
		kong.Description("The local stack."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	command.FatalIfErrorf(command.Run())
}

type invoke struct {
	Function string `arg:"" help:"A folder of functions/."`
	Event    string `arg:"" help:"A file of events/, with or without .json."`
}

// Run calls a function of the local stack once and prints its answer.
func (i invoke) Run(ctx context.Context) error {
	root, err := local.Root()
	if err != nil {
		return err
	}
	stack, err := stackfile.Read(local.Lasting(root, 0).File)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("there is no local stack: make run")
	}
	if err != nil {
		return err
	}
	event, err := os.ReadFile(filepath.Join(root, "events", strings.TrimSuffix(filepath.Base(i.Event), ".json")+".json"))
	if err != nil {
		return fmt.Errorf("reading the event: %w", err)
	}
	// API_KEY is the placeholder of the sample tool's key.
	event = bytes.ReplaceAll(event, []byte("API_KEY"), []byte(stack.APIKey))
	answer, err := lambda.NewFromConfig(stack.Config()).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(names.DefaultStack.Function(i.Function)),
		Payload:      event,
	})
	if err != nil {
		return fmt.Errorf("calling %s: %w", i.Function, err)
	}
	fmt.Println(string(answer.Payload))
	if answer.FunctionError != nil {
		return fmt.Errorf("%s failed: %s", i.Function, *answer.FunctionError)
	}
	return nil
}
