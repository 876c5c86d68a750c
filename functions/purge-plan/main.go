// Command purge-plan counts what is due in a class: the first step of a purge.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"stille/shared/dynamo"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.PurgePlan, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{records: dynamo.NewRecords(db, c.Stack), runs: dynamo.NewRuns(db, c.Stack), policy: c.Policy(), now: time.Now}
		return h.plan
	}))
}
