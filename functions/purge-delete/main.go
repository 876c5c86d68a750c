// Command purge-delete deletes what is due in one shard of a class: the second step of
// a purge, and the only function that deletes records.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/dynamo"
	"stille/shared/evidence"
	"stille/shared/purge"
	"stille/shared/schema"
	"stille/shared/start"
)

func main() {
	os.Exit(start.Lambda(schema.PurgeDelete, func(c *start.Container) any {
		db := dynamo.NewClient(c.AWS)
		h := handler{
			worker: purge.Worker{
				Records:  dynamo.NewRecords(db, c.Stack),
				Deleter:  dynamo.NewDeleter(db, c.Stack),
				Holds:    dynamo.NewHolds(db, c.Stack),
				Manifest: evidence.NewManifest(s3.NewFromConfig(c.AWS), c.Env.Required(schema.VarManifestBucket), time.Now),
			},
			policy: c.Policy(),
			now:    time.Now,
		}
		return h.delete
	}))
}
