// Package evidence keeps the files of purges in S3: the manifest of a run in a
// private bucket for some days, and the certificates under Object Lock for
// years. It promises that no page of a manifest replaces another page and that
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
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"stille/shared/certificate"
)

// publicKeyFile lies beside the certificates of all runs.
const publicKeyFile = "certificates/" + certificate.PublicKeyFile

// Prefix is where a run's certificate lies in the evidence bucket.
func Prefix(class, run string) string { return "certificates/" + class + "/" + run + "/" }

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

// PublishKey stores the public key, unless it is stored already.
func (c *Certificates) PublishKey(ctx context.Context, file []byte) error {
	there, err := c.PublicKey(ctx)
	if err == nil && bytes.Equal(there, file) {
		return nil
	}
	if err != nil && !errors.Is(err, certificate.ErrNone) {
		return err
	}
	return put(ctx, c.s3, c.bucket, publicKeyFile, file)
}

// PublicKey returns the PEM file with which certificates are verified.
func (c *Certificates) PublicKey(ctx context.Context) ([]byte, error) {
	return c.get(ctx, publicKeyFile)
}

// get reads a file of a certificate. The error wraps certificate.ErrNone if the
// file is missing.
func (c *Certificates) get(ctx context.Context, key string) ([]byte, error) {
	content, err := get(ctx, c.s3, c.bucket, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, certificate.ErrNone
	}
	return content, err
}

// put stores a file with the checksum that Object Lock requires.
func put(ctx context.Context, client *s3.Client, bucket, key string, content []byte) error {
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: bytes.NewReader(content), ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256,
	})
	return err
}

func get(ctx context.Context, client *s3.Client, bucket, key string) ([]byte, error) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
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
