// Command check answers whether a message may be sent: POST /v1/check.
package main

import (
	"os"
	"time"

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Check, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, list: d.List, scopes: d.Scopes(), now: d.Now, log: d.Log}.call()
	}))
}
