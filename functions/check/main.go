// Command check answers whether a message may be sent: POST /v1/check.
package main

import (
	"context"
	"os"
	"time"
	_ "time/tzdata" // the last day of a basis is a day in a zone

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/suppression"
)

func main() {
	os.Exit(wiring.API(names.Check, time.Now, func(d wiring.Deps) api.Call {
		policy := d.Policy()
		checker := suppression.Checker{
			List: d.List, Records: d.Records, Policy: func(context.Context) (*retention.Policy, error) { return policy, nil },
		}
		return handler{keys: d.Keys, checker: checker, scopes: d.Scopes(), now: d.Now, log: d.Log}.call()
	}))
}
