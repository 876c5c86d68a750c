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
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/certificate"
)

// certificates begins every key of the evidence bucket. The public keys lie beside
// the classes.
const certificates = "certificates/"

// Prefix is where a run's certificate lies in the evidence bucket.
func Prefix(class, run string) string { return certificates + class + "/" + run + "/" }

// Certificates is the evidence bucket.
type Certificates struct {
	s3     *s3.Client
	bucket string
}

// NewCertificates returns the certificates in a bucket.
func NewCertificates(client *s3.Client, bucket string) *Certificates {
	return &Certificates{s3: client, bucket: bucket}
}

// StoreList keeps the list of a shard of a run, before the certificate.
func (c *Certificates) StoreList(ctx context.Context, class, run, shard string, list []byte) error {
	if err := put(ctx, c.s3, c.bucket, Prefix(class, run)+certificate.ListFile(shard), list); err != nil {
		return fmt.Errorf("storing a list: %w", err)
	}
	return nil
}

// Store keeps a run's certificate, the signature first.
func (c *Certificates) Store(ctx context.Context, class, run string, signed certificate.Signed) error {
	for _, file := range []struct {
		name    string
		content []byte
	}{{certificate.SignatureFile, signed.Signature}, {certificate.JSONFile, signed.JSON}} {
		if err := put(ctx, c.s3, c.bucket, Prefix(class, run)+file.name, file.content); err != nil {
			return fmt.Errorf("storing a certificate: %w", err)
		}
	}
	return nil
}

// LoadList returns the list of a shard of a run as stored, unverified. The error
// wraps certificate.ErrNone if there is none.
func (c *Certificates) LoadList(ctx context.Context, class, run, shard string) ([]byte, error) {
	return c.get(ctx, Prefix(class, run)+certificate.ListFile(shard))
}

// Load returns the certificate of a run as stored, unverified. The error wraps
// certificate.ErrNone if there is none.
func (c *Certificates) Load(ctx context.Context, class, run string) (certificate.Signed, error) {
	var signed certificate.Signed
	for name, target := range map[string]*[]byte{certificate.JSONFile: &signed.JSON, certificate.SignatureFile: &signed.Signature} {
		content, err := c.get(ctx, Prefix(class, run)+name)
		if err != nil {
			return signed, err
		}
		*target = content
	}
	return signed, nil
}

// Runs returns the runs of a class that have files in the bucket, those behind a
// delete marker too.
func (c *Certificates) Runs(ctx context.Context, class string) ([]string, error) {
	prefix := certificates + class + "/"
	var runs []string
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: &c.bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", prefix, err)
		}
		for _, folder := range page.CommonPrefixes {
			runs = append(runs, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(folder.Prefix), prefix), "/"))
		}
	}
	return runs, nil
}

// PublishKey stores the public key under its fingerprint, unless it is stored
// already.
func (c *Certificates) PublishKey(ctx context.Context, file []byte) error {
	of, err := certificate.Fingerprint(file)
	if err != nil {
		return err
	}
	key := certificates + certificate.KeyFile(of)
	there, err := c.get(ctx, key)
	if err == nil && bytes.Equal(there, file) {
		return nil
	}
	if err != nil && !errors.Is(err, certificate.ErrNone) {
		return err
	}
	return put(ctx, c.s3, c.bucket, key, file)
}

// PublicKeys returns the PEM files of the keys that certificates may be signed with.
func (c *Certificates) PublicKeys(ctx context.Context) ([][]byte, error) {
	var files [][]byte
	prefix := certificates + certificate.KeysFolder + "/"
	var names []string
	// The delimiter leaves out the runs of a class of the folder's name.
	pages := s3.NewListObjectVersionsPaginator(c.s3, &s3.ListObjectVersionsInput{Bucket: &c.bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", prefix, err)
		}
		for _, version := range page.Versions {
			names = append(names, aws.ToString(version.Key))
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		file, err := c.get(ctx, name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// get reads a file of a certificate; behind a delete marker, the newest version. The
// error wraps certificate.ErrNone if there is none.
func (c *Certificates) get(ctx context.Context, key string) ([]byte, error) {
	content, err := get(ctx, c.s3, c.bucket, key, "")
	if !errors.Is(err, fs.ErrNotExist) {
		return content, err
	}
	page, err := c.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &c.bucket, Prefix: &key})
	if err != nil {
		return nil, fmt.Errorf("listing the versions of %s: %w", key, err)
	}
	for _, version := range page.Versions { // the key's come first, the newest first of all
		if aws.ToString(version.Key) == key {
			return get(ctx, c.s3, c.bucket, key, aws.ToString(version.VersionId))
		}
	}
	return nil, certificate.ErrNone
}

// put stores a file with the checksum that Object Lock requires.
func put(ctx context.Context, client *s3.Client, bucket, key string, content []byte) error {
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(content), ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256,
	})
	return err
}

// get reads a file: its newest version, unless another version is named.
func get(ctx context.Context, client *s3.Client, bucket, key, version string) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := client.GetObject(ctx, in)
	var missing *s3types.NoSuchKey
	if errors.As(err, &missing) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	defer out.Body.Close() //nolint:errcheck // it was only read
	return io.ReadAll(out.Body)
}

// decode reads a JSON file that this package wrote.
func decode(file string, content []byte, target any) error {
	if err := json.Unmarshal(content, target); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

// each calls do with every key under a prefix, in order.
func each(ctx context.Context, client *s3.Client, bucket, prefix string, do func(key string) error) error {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing %s: %w", prefix, err)
		}
		for _, object := range page.Contents {
			if key := aws.ToString(object.Key); strings.HasPrefix(key, prefix) {
				if err := do(key); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
