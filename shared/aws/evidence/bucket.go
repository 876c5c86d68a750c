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

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

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
