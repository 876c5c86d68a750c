// Command drain carries out the opt-outs of every door that the outage queue kept
// while the store was down.
package main

import (
	"os"
	"time"

	"stille/shared/aws/wiring"
	"stille/shared/names"
	"stille/shared/unsubscribe"
)

func main() {
	os.Exit(wiring.Function(names.Drain, time.Now, func(d wiring.Deps) any {
		return handler{keys: d.Keys, links: unsubscribe.Links{Keys: d.Keys, Scopes: d.Scopes()}, apply: d.List.Apply, queue: d.Outage(), log: d.Log, now: d.Now}.handle
	}))
}
