// Command mint makes unsubscribe links: POST /v1/links.
package main

import (
	"os"
	"time"

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Mint, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, scopes: d.Scopes(), base: d.Env.Optional(names.VarLinkBase)}.call()
	}))
}
