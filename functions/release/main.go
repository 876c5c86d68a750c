// Command release ends silences on newer consent: POST /v1/suppressions/release.
package main

import (
	"os"
	"time"

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Release, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, list: d.List, scopes: d.Scopes(), now: d.Now}.call()
	}))
}
