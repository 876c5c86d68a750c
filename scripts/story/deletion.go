package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/names"
	"stille/shared/operator"
)

// letter is the key of an object of the story in the demo's bucket.
func (s *story) letter(name string) string { return "story/" + s.id + "/" + name + ".txt" }

func (s *story) letterURI(name string) string {
	return "s3://" + s.stack.Buckets["letters"] + "/" + s.letter(name)
}

// putLetter stores an object, as the service that owns the bucket does.
func (s *story) putLetter(ctx context.Context, name string) error {
	_, err := s.files.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(s.stack.Buckets["letters"]), Key: aws.String(s.letter(name)), Body: bytes.NewReader([]byte("told by the story")),
	})
	if err != nil {
		return fmt.Errorf("storing a letter: %w", err)
	}
	return nil
}

// expectLetter checks whether any version of an object is left.
func (s *story) expectLetter(ctx context.Context, name string, there bool, why string) error {
	prefix := s.letter(name)
	left, err := s.files.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(s.stack.Buckets["letters"]), Prefix: &prefix})
	if err != nil {
		return fmt.Errorf("looking for a letter: %w", err)
	}
	found := len(left.Versions)+len(left.DeleteMarkers) > 0
	result := "gone "
	if found {
		result = "stays"
	}
	s.print("the object "+name+".txt", result+"  "+why)
	if found != there {
		return fmt.Errorf("the object %s.txt is there: %v, where %v is right", name, found, there)
	}
	return nil
}

// freeze lets a tool write over a held record, and claim another record's object:
// neither is possible.
func (s *story) freeze(ctx context.Context) error {
	const class = "communication"
	id := "held-" + s.id
	before, err := s.records.Document(ctx, class, id)
	if err != nil {
		return err
	}
	now := s.now.UTC()
	for _, try := range []struct {
		what   string
		given  record
		reason string
	}{
		{"a tool writes over communication " + id, record{ID: id, OccurredAt: now, Data: map[string]string{"note": "another story"}}, "held"},
		{"a tool names its object in another record", record{ID: "thief-" + s.id, OccurredAt: now, Objects: []string{s.letterURI("kept")}}, "object-taken"},
	} {
		type refused struct {
			Stored bool
			Reason string
		}
		got, err := results[refused](ctx, s.api, names.RouteRecords, map[string]any{"class": class, "records": []record{try.given}}, 1)
		if err != nil {
			return err
		}
		s.print(try.what, "refused: "+got[0].Reason)
		if got[0].Stored || got[0].Reason != try.reason {
			return fmt.Errorf("%s: stored %v because of %q", try.what, got[0].Stored, got[0].Reason)
		}
	}
	after, err := s.records.Document(ctx, class, id)
	if err != nil {
		return err
	}
	was, is := marshal(before), marshal(after)
	if was != is {
		return errors.New("the held record was changed")
	}
	s.print("communication "+id, "unchanged")
	return nil
}

func marshal(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// voucher is the class of the demo that a law keeps.
const voucher = "accounting"

// erase erases a person. A law keeps a voucher of the person.
func (s *story) erase(ctx context.Context, who person) error {
	twoYearsAgo := s.now.AddDate(-2, 0, 0).UTC()
	given := record{ID: "voucher-" + s.id, Contact: &contact{"email", who.email}, OccurredAt: twoYearsAgo, Start: &twoYearsAgo}
	if _, err := s.storeAll(ctx, voucher, []record{given}); err != nil {
		return err
	}
	if err := s.awaitStamp(ctx, tale{class: voucher, record: given}); err != nil {
		return err
	}
	erased, err := answerOf[operator.Erased](ctx, s, "subject", "erase", "email", who.email, "--case", "erasure-"+s.id, "--out", s.receipts)
	if err != nil {
		return err
	}
	s.receipt = erased.File
	s.print("stille subject erase email "+who.email, fmt.Sprintf("a receipt that names %d records", len(erased.Records)))
	proof, err := s.proveErasure(ctx)
	if err == nil && proof.Waiting != 1 {
		err = fmt.Errorf("%d records wait, where one is right", proof.Waiting)
	}
	return err
}

// proveErasure prints what became of the records of the erasure.
func (s *story) proveErasure(ctx context.Context) (operator.ErasureProof, error) {
	var proof operator.ErasureProof
	out, err := s.operator(ctx, "subject", "proof", s.receipt, "--json")
	var waits *exec.ExitError
	if errors.As(err, &waits) && waits.ExitCode() == 4 { // a record waits
		err = nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &proof)
	}
	if err != nil {
		return proof, err
	}
	for _, r := range proof.Records {
		result := string(r.Fate)
		if r.Fate == operator.FateDeleted {
			result = "deleted in the run " + r.Run
		}
		if r.Fate == operator.FateLaw {
			result = "kept by " + r.KeptBy + ", until " + r.KeptUntil
		}
		s.print("stille subject proof: "+r.Class+" "+r.ID, result)
	}
	return proof, nil
}

// expectErasure checks that the receipt proves the erasure.
func (s *story) expectErasure(ctx context.Context) error {
	proof, err := s.proveErasure(ctx)
	if err != nil {
		return err
	}
	fates := map[string]operator.Fate{}
	for _, r := range proof.Records {
		fates[r.Class] = r.Fate
	}
	if proof.Waiting != 0 || fates["communication"] != operator.FateDeleted || fates[voucher] != operator.FateLaw {
		return fmt.Errorf("the receipt proves %v, and %d wait", fates, proof.Waiting)
	}
	return nil
}
