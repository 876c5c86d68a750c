// Command suppress adds contacts to the suppression list: POST /v1/suppressions.
package main

import (
	"os"
	"time"

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Suppress, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, store: d.List.Apply, scopes: d.Scopes(), now: d.Now}.call()
	}))
}
