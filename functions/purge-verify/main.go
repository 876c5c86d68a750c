// Command purge-verify reads again what a purge claims, and certifies it: the
// last step of every run, failed runs included.
package main

import (
	"context"
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/evidence"
	"stille/shared/aws/keyring"
	"stille/shared/aws/kms"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
	"stille/shared/purge"
)

func main() {
	os.Exit(lambdafn.Lambda(names.PurgeVerify, func(c *lambdafn.Container) any {
		db := new(dynamo.Patience).NewClient(c.AWS)
		ring := keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack.Stack, nil, time.Now)
		files := s3.NewFromConfig(c.AWS)
		h := handler{
			certifier: purge.Certifier{
				Records:  dynamo.NewRecords(db, c.Stack),
				Manifest: evidence.NewManifest(files, c.Env.Required(names.VarManifestBucket), time.Now),
				Runs:     dynamo.NewRuns(db, c.Stack),
				Turns:    dynamo.NewHolds(db, c.Stack),
				Parts:    evidence.NewAudits(files, c.Env.Required(names.VarManifestBucket)),
				Signer:   kms.NewSigner(c.AWS, c.Stack.SigningKey()),
				Evidence: evidence.NewCertificates(files, c.Env.Required(names.VarEvidenceBucket)),
				HMAC: func(ctx context.Context) (func(class, id string) string, error) {
					proof, err := ring.Proof(ctx)
					return proof.HMAC, err
				},
				Pause:       time.Second,
				CodeVersion: c.Env.Required(names.VarVersion),
				Now:         time.Now,
			},
			holds:   dynamo.NewHolds(db, c.Stack),
			publish: eventbus.NewBus(eventbridge.NewFromConfig(c.AWS), c.Stack.Stack).Put,
			policy:  c.Policy(),
			log:     c.Log,
			now:     time.Now,
		}
		return h.verify
	}))
}
