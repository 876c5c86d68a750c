// Command feedback stores the bounces, complaints and unsubscriptions that SES
// reports: an address that does not exist, and a person who calls a message spam
// or leaves a list, get no more messages.
package main

import (
	"os"
	"time"

	"stille/shared/aws/sqsbatch"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.Function(names.Feedback, time.Now, func(d wiring.Deps) any {
		h := handler{store: d.Store(), scopes: d.Scopes(), log: d.Log, now: d.Now}
		return sqsbatch.Each(d.Log, h.take)
	}))
}
