package evidence

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/names"
	"stille/shared/purge"
)

// reportFile lies beside the certificate of an audit.
const reportFile = "report.json"

// Audits are the purge.AuditParts in S3, in the manifests' bucket: one object
// for each call.
type Audits struct {
	s3     *s3.Client
	bucket string
}

// NewAudits returns the audits in a bucket.
func NewAudits(client *s3.Client, bucket string) *Audits { return &Audits{s3: client, bucket: bucket} }

func partsPrefix(class, run string) string { return names.AuditParts + class + "/" + run + "/" }

// StorePart stores the findings of one call. A repeated call replaces its part.
func (a *Audits) StorePart(ctx context.Context, part purge.AuditPart) error {
	content, err := json.Marshal(part)
	if err != nil {
		return fmt.Errorf("writing a part of an audit: %w", err)
	}
	key := fmt.Sprintf("%s%06d/%06d.json", partsPrefix(part.Class, part.Run), part.Segment, part.Call)
	if err := put(ctx, a.s3, a.bucket, key, content); err != nil {
		return fmt.Errorf("writing a part of an audit: %w", err)
	}
	return nil
}

// Parts returns the parts of all calls of an audit.
func (a *Audits) Parts(ctx context.Context, class, run string) ([]purge.AuditPart, error) {
	var parts []purge.AuditPart
	err := each(ctx, a.s3, a.bucket, partsPrefix(class, run), func(key string) error {
		content, err := get(ctx, a.s3, a.bucket, key, "")
		if err != nil {
			return err
		}
		parts = append(parts, purge.AuditPart{})
		return decode(key, content, &parts[len(parts)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("reading the parts of an audit: %w", err)
	}
	return parts, nil
}

// StoreReport keeps the report of an audit where its certificate will lie.
func (c *Certificates) StoreReport(ctx context.Context, class, run string, report []byte) error {
	if err := put(ctx, c.s3, c.bucket, Prefix(class, run)+reportFile, report); err != nil {
		return fmt.Errorf("storing a report: %w", err)
	}
	return nil
}

// Report returns the report of an audit. The error wraps certificate.ErrNone if
// there is none.
func (c *Certificates) Report(ctx context.Context, class, run string) ([]byte, error) {
	return c.get(ctx, Prefix(class, run)+reportFile)
}
