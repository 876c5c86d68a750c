// Command purge-verify reads again what a purge says it did, and certifies it:
// the last step of every run, also of one that failed.
package main

import (
	"context"
	"os"
	"time"
	_ "time/tzdata" // the retention policy counts days in zones

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/evidence"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

func main() {
	os.Exit(lambdafn.Lambda(names.PurgeVerify, func(c *lambdafn.Container) any {
		db := dynamo.NewClient(c.AWS)
		ring := keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack, nil, time.Now)
		files := s3.NewFromConfig(c.AWS)
		certificates := evidence.NewCertificates(files, c.Env.Required(names.VarEvidenceBucket))
		manifest := evidence.NewManifest(files, c.Env.Required(names.VarManifestBucket), time.Now)
		signer := evidence.NewSigner(kms.NewFromConfig(c.AWS), c.Stack.SigningKey())
		runs := dynamo.NewRuns(db, c.Stack)
		records, holds := dynamo.NewRecords(db, c.Stack), dynamo.NewHolds(db, c.Stack)
		h := handler{
			verifier: func(ctx context.Context) (purge.Verifier, error) {
				proof, err := ring.Proof(ctx)
				if err != nil {
					return purge.Verifier{}, err
				}
				return purge.Verifier{Records: records, Manifest: manifest, HMAC: proof.HMAC, Pause: time.Second}, nil
			},
			left: func(ctx context.Context, class retention.Class, cutoff time.Time) (purge.Counted, error) {
				return purge.Count(ctx, records, holds, class, cutoff)
			},
			idle: func(ctx context.Context, class retention.Class, now time.Time) (purge.Idle, error) {
				return purge.FindIdle(ctx, records, class, now)
			},
			certifier: purge.Certifier{
				Runs: runs, Signer: signer, Certificates: certificates, CodeVersion: c.Env.Required(names.VarVersion),
			},
			certificates: certificates,
			signer:       signer,
			runs:         runs,
			parts:        evidence.NewAudits(files, c.Env.Required(names.VarManifestBucket)),
			bus:          eventbus.NewBus(eventbridge.NewFromConfig(c.AWS), c.Stack),
			policy:       c.Policy(),
			log:          c.Log,
			now:          time.Now,
		}
		return h.verify
	}))
}
