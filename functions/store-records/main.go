// Command store-records stores records, which purges delete on their due day: POST /v1/records.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"stille/shared/api"
	"stille/shared/aws/wiring"
	"stille/shared/names"
)

func main() {
	os.Exit(wiring.API(names.Record, time.Now, func(d wiring.Deps) api.Call {
		return handler{keys: d.Keys, put: d.Records.Put, scopes: d.Scopes(), policy: d.Policy(), now: d.Now}.call()
	}))
}
