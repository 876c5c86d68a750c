// Command phone gets the SMS instead of AWS End User Messaging, which the emulator
// lacks, and shows the SMS at GET /sent. It listens on the loopback address only and
// keeps nothing when it ends.
package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"stille/shared/sms/phone"
)

type command struct {
	Port         int  `required:"" help:"On 127.0.0.1."`
	EndWithStdin bool `help:"End when standard input ends, so that a killed test leaves no phone."`
}

func main() {
	var c command
	parsed := kong.Parse(&c, kong.Name("phone"), kong.Description("Shows SMS instead of sending them."))
	if c.EndWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	server := http.Server{Addr: "127.0.0.1:" + strconv.Itoa(c.Port), Handler: new(phone.Phone), ReadHeaderTimeout: 10 * time.Second}
	parsed.FatalIfErrorf(server.ListenAndServe())
}
