// Command stack starts and ends the project's own local stack, and calls its
// functions.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"stille/scripts/local"
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
