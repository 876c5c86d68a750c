// Command purge-plan counts the due records of a class and checks them against the
// brake: the first step of a purge.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/stepfunctions"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.PurgePlan, func(c *lambdafn.Container) any {
		db := new(dynamo.Patience).NewClient(c.AWS)
		runs, holds := dynamo.NewRuns(db, c.Stack), dynamo.NewHolds(db, c.Stack)
		h := handler{policy: c.Policy(), planner: purge.Planner{
			Records: dynamo.NewRecords(db, c.Stack), Holds: holds, Runs: runs, Halted: runs, Turns: holds,
			Manifest: evidence.NewManifest(s3.NewFromConfig(c.AWS), c.Env.Required(names.VarManifestBucket), time.Now),
			Running:  stepfunctions.New(sfn.NewFromConfig(c.AWS)).Running,
			Now:      time.Now, StoreClock: runs.Clock,
		}}
		return h.plan
	}))
}
