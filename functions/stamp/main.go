// Command stamp gives every record of a class table its place in the indexes,
// by which a purge finds the record when it is due. It reads the class tables'
// streams.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/aws/deadletter"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.Stamp, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{
			stack: c.Stack,
			stamper: purge.Stamper{
				Records: dynamo.NewRecords(db, c.Stack), List: dynamo.NewSuppressions(db, c.Stack),
				Holds: dynamo.NewHolds(db, c.Stack), Policy: c.Policy(), Now: time.Now,
			},
			deadLetter: deadletter.NewQueue(sqs.NewFromConfig(c.AWS), c.Env.Required(names.VarParkedQueue)).Park,
			log:        c.Log,
		}
		return h.handle
	}))
}
