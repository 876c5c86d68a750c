// Command purge-audit reads every record in one segment of a class and notes
// what is wrong with the record: the weekly search for faults that the purges
// never see. It changes nothing.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.PurgeAudit, func(c *lambdafn.Container) any {
		db := new(dynamo.Patience).NewClient(c.AWS)
		h := handler{
			auditor: purge.Auditor{
				Records: dynamo.NewRecords(db, c.Stack),
				List:    dynamo.NewSuppressions(db, c.Stack),
				Holds:   dynamo.NewHolds(db, c.Stack),
				Parts:   evidence.NewAudits(s3.NewFromConfig(c.AWS), c.Env.Required(names.VarManifestBucket)),
				Pause:   5 * time.Second,
				Now:     time.Now,
			},
			policy: c.Policy(),
		}
		return h.audit
	}))
}
