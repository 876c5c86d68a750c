package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/names"
	"stille/shared/operator"
)

// machine is the ARN of the state machine that purges a class.
func (s *system) machine(ctx context.Context, class string) (string, error) {
	return s.output(ctx, names.OutputPurge(class))
}

// certificates opens the evidence bucket.
func (s *system) certificates(ctx context.Context) (operator.Certificates, error) {
	bucket, err := s.output(ctx, names.OutputEvidenceBucket)
	if err != nil {
		return nil, err
	}
	return evidence.NewCertificates(s.files, bucket), nil
}

// Principal is who works here, as STS says.
func (s *system) Principal(ctx context.Context) (string, error) {
	out, err := s.identity.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("asking STS who you are: %w", err)
	}
	return aws.ToString(out.Arn), nil
}

// HMAC names a record in the lists of certificates.
func (s *system) HMAC(ctx context.Context, class, id string) (string, error) {
	keys, err := s.keys.Proof(ctx)
	if err != nil {
		return "", err
	}
	return keys.HMAC(class, id), nil
}

// tables tells how DynamoDB's tables are.
type tables struct{ *dynamo.Tables }

// All returns every table of the stack.
func (t tables) All(ctx context.Context, classes []string) ([]operator.Table, error) {
	found, err := t.Tables.All(ctx, classes)
	all := make([]operator.Table, len(found))
	for i, one := range found {
		all[i] = operator.Table{Name: one.Name, State: one.State, Items: one.Items, OK: one.OK()}
	}
	return all, err
}

// Primary returns the primary key of each set, and the command that is due.
func (s *system) Primary(ctx context.Context, now time.Time) ([]operator.PrimaryKey, error) {
	listing, err := s.rotateKeys.List(ctx, true)
	if err != nil {
		return nil, err
	}
	var all []operator.PrimaryKey
	for _, set := range listing.Sets {
		for _, key := range set.Keys {
			if !key.Primary {
				continue
			}
			one := operator.PrimaryKey{Set: set.Name, ID: key.ID, Created: key.Created, Days: key.AgeDays}
			if !set.From.After(now) {
				one.Next = set.Next
			}
			all = append(all, one)
		}
	}
	return all, nil
}
