package purge

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"stille/shared/retention"
)

const (
	// mostScanned is how many records CountLost reads, about: all of a small class,
	// a sample of a large one. DynamoDB counts a table every six hours: of a table that
	// was filled since, CountLost reads twice as many.
	mostScanned = 10_000

	// lostLooks is how often CountLost looks again at records whose change the
	// stream may still deliver.
	lostLooks = 3
)

// CountLost counts the records that are not where the indexes should show them, so
// that no purge finds them: the stream of the class's table did not reach stamp. It
// reads the table strongly: all records of a class of up to 10,000, and one part of
// a larger table, which the seed chooses. It counts MaxDeletes records at most, and
// no unreadable ones. It repairs nothing: Mender does.
func CountLost(ctx context.Context, records Records, class retention.Class, seed string, pause time.Duration, now time.Time) (int, error) {
	doing := "looking for lost records of " + class.Name
	size, err := records.Size(ctx, class.Name)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	part := Segment{Of: 1 + size/mostScanned}
	chosen := fnv.New32a()
	_, _ = chosen.Write([]byte(seed))                   // never fails
	part.Number = int(chosen.Sum32() % uint32(part.Of)) //nolint:gosec // it is positive
	found := map[string][]Finding{}
	misplaced := func(records []retention.Stored, _ []string) (map[string][]Finding, error) {
		lost := map[string][]Finding{}
		for _, record := range records {
			if !(Examined{Stored: record}).isInPlace(now) {
				lost[record.ID] = []Finding{Unstamped}
			}
		}
		return lost, nil
	}
	read := 0
	for after, more := "", true; more; {
		page, err := records.Scan(ctx, class.Name, part, after, pageSize)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", doing, err)
		}
		lost, _ := misplaced(page.Records, nil)
		for id, findings := range lost {
			if len(found) < MaxDeletes {
				found[id] = findings
			}
		}
		read += len(page.Records) + len(page.Unreadable)
		after, more = page.Last, page.Last != "" && read < 2*mostScanned
	}
	if err := lookAgain(ctx, records, class.Name, found, misplaced, lostLooks, pause); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return len(found), nil
}
