// Command stamp gives every record of a class table its place in the indexes by
// which it is found when it is due. It reads the class tables' streams.
package main

import (
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/dynamo"
	"stille/shared/parked"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.Stamp, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{
			stack:   c.Stack,
			list:    dynamo.NewSuppressions(db, c.Stack),
			records: dynamo.NewRecords(db, c.Stack),
			parked:  parked.NewQueue(sqs.NewFromConfig(c.AWS), c.Env.Required(schema.VarParkedQueue)),
			log:     c.Log,
			now:     time.Now,
		}
		return h.handle
	}))
}
