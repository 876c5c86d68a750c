// Package evidence keeps the files of purges in S3: the manifest of a run in a
// private bucket until the run is certified, and the certificates under Object Lock
// for years. It promises that no page of a manifest replaces another page and that
// a certificate's older versions stay. It does not interpret the files.
package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
)

// certificates begins every key of the evidence bucket. The public keys lie beside
// the classes.
const certificates = "certificates/"

// Prefix is where a run's certificate lies in the evidence bucket.
func Prefix(class, run string) string { return certificates + class + "/" + run + "/" }

// Certificates is the evidence bucket.
type Certificates struct{ bucket }

// NewCertificates returns the certificates in a bucket.
func NewCertificates(client *s3.Client, name string) *Certificates {
	return &Certificates{bucket{client, name}}
}

// StoreList keeps the list of a shard of a run, before the certificate.
func (c *Certificates) StoreList(ctx context.Context, class, run, shard string, list []byte) error {
	return c.put(ctx, "storing a list", Prefix(class, run)+certificate.ListFile(shard), list)
}

// Store keeps a run's certificate, the signature first.
func (c *Certificates) Store(ctx context.Context, class, run string, signed certificate.Signed) error {
	err := c.put(ctx, "storing a certificate", Prefix(class, run)+certificate.SignatureFile, signed.Signature)
	if err == nil {
		err = c.put(ctx, "storing a certificate", Prefix(class, run)+certificate.JSONFile, signed.JSON)
	}
	return err
}

// LoadList returns the list of a shard of a run as stored, unverified. The error
// wraps certificate.ErrNone if there is none.
func (c *Certificates) LoadList(ctx context.Context, class, run, shard string) ([]byte, error) {
	return c.newest(ctx, Prefix(class, run)+certificate.ListFile(shard))
}

// Load returns the certificate of a run as stored, unverified. The error wraps
// certificate.ErrNone if there is none.
func (c *Certificates) Load(ctx context.Context, class, run string) (certificate.Signed, error) {
	signature, err := c.newest(ctx, Prefix(class, run)+certificate.SignatureFile)
	if err != nil {
		return certificate.Signed{}, err
	}
	content, err := c.newest(ctx, Prefix(class, run)+certificate.JSONFile)
	return certificate.Signed{JSON: content, Signature: signature}, err
}

// Runs returns the runs of a class that have files in the bucket, those behind a
// delete marker too.
func (c *Certificates) Runs(ctx context.Context, class string) ([]string, error) {
	var runs []string
	prefix := certificates + class + "/"
	err := c.versions(ctx, prefix, func(page *s3.ListObjectVersionsOutput) {
		for _, folder := range page.CommonPrefixes {
			runs = append(runs, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(folder.Prefix), prefix), "/"))
		}
	})
	return runs, err
}

// versions reads what lies directly below a prefix, behind a delete marker too.
func (c *Certificates) versions(ctx context.Context, prefix string, each func(*s3.ListObjectVersionsOutput)) error {
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: &c.name, Prefix: &prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing %s: %w", prefix, err)
		}
		each(page)
	}
	return nil
}

// PublishKey stores the public key under its fingerprint, unless it is stored
// already.
func (c *Certificates) PublishKey(ctx context.Context, file []byte) error {
	of, err := certificate.Fingerprint(file)
	if err != nil {
		return err
	}
	key := certificates + certificate.KeyFile(of)
	there, err := c.newest(ctx, key)
	if err == nil && bytes.Equal(there, file) {
		return nil
	}
	if err != nil && !errors.Is(err, certificate.ErrNone) {
		return err
	}
	return c.put(ctx, "publishing a key", key, file)
}

// PublicKeys returns the PEM files of the keys that certificates may be signed with.
func (c *Certificates) PublicKeys(ctx context.Context) ([][]byte, error) {
	var files [][]byte
	var names []string
	// The delimiter leaves out the runs of a class of the folder's name.
	err := c.versions(ctx, certificates+certificate.KeysFolder+"/", func(page *s3.ListObjectVersionsOutput) {
		for _, version := range page.Versions {
			names = append(names, aws.ToString(version.Key))
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		file, err := c.newest(ctx, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// newest reads a file of a certificate; behind a delete marker, its newest version.
// The error wraps certificate.ErrNone if there is none.
func (c *Certificates) newest(ctx context.Context, key string) ([]byte, error) {
	content, err := c.get(ctx, key, nil)
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	page, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &c.name, Prefix: &key})
	if err != nil {
		return nil, fmt.Errorf("listing the versions of %s: %w", key, err)
	}
	for _, version := range page.Versions { // the key's come first, the newest first of all
		if aws.ToString(version.Key) == key {
			return c.get(ctx, key, version.VersionId)
		}
	}
	return nil, certificate.ErrNone
}

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

// bucket is a bucket of files.
type bucket struct {
	s3   *s3.Client
	name string
}

// put stores a file with the checksum that Object Lock requires.
func (b bucket) put(ctx context.Context, doing, key string, content []byte) error {
	_, err := b.s3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(content), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (b bucket) putJSON(ctx context.Context, doing, key string, what any) error {
	content, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return b.put(ctx, doing, key, content)
}

// get reads a file: its newest version, unless another version is named. The error
// wraps fs.ErrNotExist if there is none.
func (b bucket) get(ctx context.Context, key string, version *string) ([]byte, error) {
	out, err := b.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key, VersionId: version})
	if errors.As(err, new(*types.NoSuchKey)) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	defer out.Body.Close() //nolint:errcheck // it was only read
	return io.ReadAll(out.Body)
}

func (b bucket) getJSON(ctx context.Context, key string, into any) error {
	content, err := b.get(ctx, key, nil)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", key, err)
	}
	return nil
}

// each calls do with every key under a prefix, in order.
func (b bucket) each(ctx context.Context, prefix string, do func(key string) error) error {
	pages := s3.NewListObjectsV2Paginator(b.s3, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing %s: %w", prefix, err)
		}
		for _, object := range page.Contents {
			if strings.HasPrefix(*object.Key, prefix) {
				if err := do(*object.Key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
