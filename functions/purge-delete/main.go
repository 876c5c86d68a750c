// Command purge-delete deletes the due records in one shard of a class: the
// second step of a purge, and the only function that deletes records and their
// objects.
package main

import (
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/objects"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.PurgeDelete, func(c *lambdafn.Container) any {
		patience := &dynamo.Patience{}
		db := patience.NewClient(c.AWS)
		files := s3.NewFromConfig(c.AWS)
		h := handler{
			worker: purge.Worker{
				Records:  dynamo.NewRecords(db, c.Stack),
				Deleter:  dynamo.NewDeleter(db, c.Stack),
				Holds:    dynamo.NewHolds(db, c.Stack),
				Objects:  objects.NewDeleter(files),
				Manifest: evidence.NewManifest(files, c.Env.Required(names.VarManifestBucket), time.Now),
				Stopped:  dynamo.NewRuns(db, c.Stack).Stopped,
				Log:      c.Log,
			},
			policy:    c.Policy(),
			throttles: patience.Throttles,
			now:       time.Now,
		}
		return h.delete
	}))
}
