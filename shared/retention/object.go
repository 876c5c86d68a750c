package retention

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"stille/shared/strictyaml"
)

// Object is an S3 object that belongs to a record. A purge deletes all its
// versions with the record.
type Object struct{ Bucket, Key string }

var (
	// ErrNoObject means that a text does not name an object as the AWS CLI
	// does.
	ErrNoObject = errors.New("must be an S3 object, s3://bucket/key")
	// ErrForeignBucket means that a purge of the class must not delete in the
	// object's bucket.
	ErrForeignBucket = errors.New("must lie in one of the class's buckets, which the retention policy names")
)

// ErrForeignPrefix means that an object's key does not begin with the scope of the
// record, in a class whose BucketPrefix is ByScope.
var ErrForeignPrefix = errors.New("must have a key that begins with the record's scope and a slash, as the retention policy asks")

// ByScope is the BucketPrefix of a class in whose buckets every scope has a prefix.
const ByScope = "scope"

// Placed returns ErrForeignPrefix if an object that the record names lies under the
// prefix of another scope.
func (c Class) Placed(r Record) error {
	for _, written := range r.Objects {
		if !c.isPlaced(written, r) {
			return ErrForeignPrefix
		}
	}
	return nil
}

func (c Class) isPlaced(written string, r Record) bool {
	_, path, _ := strings.Cut(written, "://")
	_, key, _ := strings.Cut(path, "/")
	return c.BucketPrefix != ByScope || r.Scope != "" && strings.HasPrefix(key, string(r.Scope)+"/")
}

// MostObjects is how many objects a record may own. A record and all its objects
// must fit into one transaction of DynamoDB, which has a hundred operations.
const MostObjects = 80

// Limits of S3.
const (
	shortestBucket = 3
	longestBucket  = 63
	longestKey     = 1024
)

var (
	bucketName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
	objectKey  = regexp.MustCompile(`^[^\x00-\x1f\x7f]+$`)
)

// IsBucket reports whether S3 takes the name for a bucket. It takes no IP address.
func IsBucket(name string) bool {
	_, err := netip.ParseAddr(name)
	return err != nil && len(name) >= shortestBucket && len(name) <= longestBucket && bucketName.MatchString(name)
}

// Objects returns the S3 objects of the record. If the error wraps ErrNoObject
// or ErrForeignBucket, none of them may be deleted.
func (c Class) Objects(r Record) ([]Object, error) {
	objects := make([]Object, len(r.Objects))
	for i, written := range r.Objects {
		var err error
		if objects[i], err = c.object(written); err != nil {
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
	}
	return objects, nil
}

func (c Class) object(written string) (Object, error) {
	path, ok := strings.CutPrefix(written, "s3://")
	bucket, key, _ := strings.Cut(path, "/")
	switch {
	case !ok || !IsBucket(bucket) || len(key) > longestKey || !objectKey.MatchString(key):
		return Object{}, ErrNoObject
	case !slices.Contains(c.Buckets, bucket):
		return Object{}, ErrForeignBucket
	}
	return Object{Bucket: bucket, Key: key}, nil
}

func (c Class) objectFaults(r Record) []Fault {
	if len(r.Objects) > MostObjects {
		return []Fault{{"objects", fmt.Sprintf("must not be more than %d", MostObjects)}}
	}
	var faults []Fault
	seen := map[string]bool{}
	for i, written := range r.Objects {
		field := fmt.Sprintf("objects/%d", i)
		_, err := c.object(written)
		switch {
		case err != nil:
			faults = append(faults, Fault{field, err.Error()})
		case !c.isPlaced(written, r):
			faults = append(faults, Fault{field, ErrForeignPrefix.Error()})
		case seen[written]:
			faults = append(faults, Fault{field, "is here twice"})
		}
		seen[written] = true
	}
	return faults
}

// readBuckets returns the buckets in which a class's objects lie, sorted.
func readBuckets(f *strictyaml.Fields) []string {
	names := slices.Sorted(slices.Values(f.Texts("buckets")))
	for i, name := range names {
		if !IsBucket(name) {
			f.Wrong("buckets", "%q is no name of an S3 bucket", name)
		}
		if i > 0 && name == names[i-1] {
			f.Wrong("buckets", "%s is here twice", name)
		}
	}
	return names
}
