package evidence

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/names"
	"stille/shared/purge"
)

// reportFile lies beside the certificate of an audit.
const reportFile = "report.json"

// Audits are the purge.AuditParts in S3, in the manifests' bucket: one object
// for each call.
type Audits struct{ bucket }

// NewAudits returns the audits in a bucket.
func NewAudits(client *s3.Client, name string) *Audits { return &Audits{bucket{client, name}} }

func partsPrefix(class, run string) string { return names.AuditParts + class + "/" + run + "/" }

// StorePart stores the findings of one call. A repeated call replaces its part.
func (a *Audits) StorePart(ctx context.Context, part purge.AuditPart) error {
	key := fmt.Sprintf("%s%06d/%06d.json", partsPrefix(part.Class, part.Run), part.Segment, part.Call)
	return a.putJSON(ctx, "writing a part of an audit", key, part)
}

// Parts returns the parts of all calls of an audit.
func (a *Audits) Parts(ctx context.Context, class, run string) ([]purge.AuditPart, error) {
	var parts []purge.AuditPart
	err := a.each(ctx, partsPrefix(class, run), func(key string) error {
		parts = append(parts, purge.AuditPart{})
		return a.getJSON(ctx, key, &parts[len(parts)-1])
	})
	if err != nil {
		return nil, fmt.Errorf("reading the parts of an audit: %w", err)
	}
	return parts, nil
}

// StoreReport keeps the report of an audit where its certificate will lie.
func (c *Certificates) StoreReport(ctx context.Context, class, run string, report []byte) error {
	return c.put(ctx, "storing a report", Prefix(class, run)+reportFile, report)
}

// Report returns the report of an audit. The error wraps certificate.ErrNone if
// there is none.
func (c *Certificates) Report(ctx context.Context, class, run string) ([]byte, error) {
	return c.newest(ctx, Prefix(class, run)+reportFile)
}
