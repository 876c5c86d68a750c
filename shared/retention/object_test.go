package retention_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
	"stille/shared/scope"
)

// lettersIn is a policy of one class with the given list of buckets.
func lettersIn(buckets string) string {
	return file(map[string]string{"owner": "owner: finance\n    buckets: " + buckets})
}

func TestBucketNamesAreCheckedWithTheirLine(t *testing.T) {
	for _, c := range []struct{ buckets, want string }{ // want is part of the one mistake; "" = accepted
		{"[letters]", ""},
		{"[scans.acme.no, letters-2]", ""},
		{"[" + strings.Repeat("a", 63) + "]", ""},
		{"[" + strings.Repeat("a", 64) + "]", "is no name of an S3 bucket"},
		{"[abc]", ""},
		{"[ab]", `line 10: buckets: "ab" is no name of an S3 bucket`},
		{"[Letters]", "is no name of an S3 bucket"},
		{"[letters-]", "is no name of an S3 bucket"},
		{"[s3://letters]", "is no name of an S3 bucket"},
		{"[letters/2026]", "is no name of an S3 bucket"},
		{`["letters*"]`, "is no name of an S3 bucket"},
		{"[letters, scans, letters]", "letters is here twice"},
		{"[]", "must be a list that is not empty"},
		{"letters", "must be a list"},
		{"[17]", "must be a list of texts"},
	} {
		_, err := retention.LoadPolicy([]byte(lettersIn(c.buckets)))
		got := mistakes(t, err)
		switch {
		case c.want == "" && got != nil:
			t.Errorf("%s refused: %q", c.buckets, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s: got %q, want %q", c.buckets, got, c.want)
		}
	}
}

func TestHashCoversBucketsInAnyOrder(t *testing.T) {
	one := load(t, lettersIn("[letters, scans]")).Hash()
	if other := load(t, lettersIn("[scans, letters]")).Hash(); other != one {
		t.Error("the order of the buckets changes the hash")
	}
	for _, buckets := range []string{"[letters]", "[letters, scan]"} {
		if load(t, lettersIn(buckets)).Hash() == one {
			t.Errorf("the hash does not tell %s", buckets)
		}
	}
	if load(t, file(nil)).Hash() == load(t, lettersIn("[letters]")).Hash() {
		t.Error("the hash does not tell whether there are buckets")
	}
}

func TestObjectsLieInTheBucketsOfTheClass(t *testing.T) {
	class := load(t, lettersIn("[letters, scans.acme.no]")).Classes[0]
	got, err := class.Objects(retention.Record{Objects: []string{"s3://scans.acme.no//2026/å + %20?#.pdf", "s3://letters/a"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []retention.Object{{Bucket: "scans.acme.no", Key: "/2026/å + %20?#.pdf"}, {Bucket: "letters", Key: "a"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	for object, want := range map[string]error{
		"s3://scans/a":         retention.ErrForeignBucket,
		"s3://letters.evil/a":  retention.ErrForeignBucket,
		"s3://letters/":        retention.ErrNoObject,
		"s3://letters":         retention.ErrNoObject,
		"letters/a":            retention.ErrNoObject,
		"arn:aws:s3:::letters": retention.ErrNoObject,
		"s3://letters/a\nb":    retention.ErrNoObject,
		"":                     retention.ErrNoObject,
	} {
		if got, err := class.Objects(retention.Record{Objects: []string{"s3://letters/a", object}}); !errors.Is(err, want) || got != nil {
			t.Errorf("%q: %v, error %v", object, got, err)
		}
	}
	if got, err := class.Objects(retention.Record{}); err != nil || len(got) != 0 {
		t.Errorf("a record without objects: %v, error %v", got, err)
	}
}

func TestAPrefixOfBucketsNeedsBuckets(t *testing.T) {
	_, err := retention.LoadPolicy([]byte(file(map[string]string{"owner": "owner: x\n    bucketPrefix: scope"})))
	if got := mistakes(t, err); len(got) != 1 || !strings.Contains(got[0], "bucketPrefix: needs buckets") {
		t.Errorf("it says %q", got)
	}
}

func TestObjectsLieUnderTheScopeOfTheirRecord(t *testing.T) {
	free := load(t, lettersIn("[letters]")).Classes[0]
	class := free
	class.BucketPrefix = retention.ByScope
	for _, c := range []struct {
		in     scope.Scope
		object string
		placed bool
	}{
		{"acme", "s3://letters/acme/1.pdf", true},
		{"acme", "s3://letters/acme/newsletter/1.pdf", true},
		{"acme/newsletter", "s3://letters/acme/newsletter/1.pdf", true},
		{"acme/newsletter", "s3://letters/acme/1.pdf", false},
		{"acme", "s3://letters/globex/1.pdf", false},
		{"acme", "s3://letters/acme-2/1.pdf", false},
		{"acme", "s3://letters/acme", false},
		{"acme", "s3://letters//acme/1.pdf", false},
		{"acme", "s3://letters/1/acme/1.pdf", false},
		{"", "s3://letters/acme/1.pdf", false},
		{"", "s3://letters//1.pdf", false},
	} {
		r := retention.Record{ID: "conv-1", Scope: c.in, Objects: []string{c.object}}
		if err := class.Placed(r); errors.Is(err, retention.ErrForeignPrefix) == c.placed {
			t.Errorf("%s of %q: %v", c.object, c.in, err)
		}
		if faults := class.Validate(r, time.Time{}); (len(faults) == 0) != c.placed {
			t.Errorf("%s of %q has the faults %v", c.object, c.in, faults)
		}
		if err := free.Placed(r); err != nil {
			t.Errorf("without a prefix: %v", err)
		}
	}
}

func TestTargetIsRecordOrSubject(t *testing.T) {
	class, id, ok := retention.RecordTarget("messaging", "sub#81").Record()
	if !slices.Equal([]string{class, id}, []string{"messaging", "sub#81"}) || !ok {
		t.Errorf("the record is %q of %q: %v", id, class, ok)
	}
	if key, ok := retention.SubjectTarget(subject).Subject(); key != subject || !ok {
		t.Errorf("the subject is another: %v", ok)
	}
	if _, ok := retention.RecordTarget("messaging", "sub-81").Subject(); ok {
		t.Error("a record is a subject")
	}
	if _, _, ok := retention.SubjectTarget(subject).Record(); ok {
		t.Error("a subject is a record")
	}
}

func TestValidIDMayBeShown(t *testing.T) {
	for id, want := range map[string]bool{"sub-81": true, "kari@example.no": false, "+4791234567": false, "": false} {
		if got := retention.MayShowID(id); got != want {
			t.Errorf("an id of %d characters: shown %v", len(id), got)
		}
	}
}
