// Command check answers whether a message may be sent: POST /v1/check.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the last day of a basis is a day in a zone

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Check, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, list: d.List, records: d.Records, scopes: d.Scopes(), policy: d.Policy(), now: d.Now, log: d.Log}.call()
	}))
}
