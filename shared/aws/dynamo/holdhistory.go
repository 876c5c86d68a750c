package dynamo

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

// entryTime is the form in which the times of entries sort.
const entryTime = "2006-01-02T15:04:05.000000000Z"

// entry appends the hold to the history, as an event at this time left it. No entry
// replaces another.
func (h *Holds) entry(hold retention.Hold, at time.Time) types.TransactWriteItem {
	stored := encodeHold(hold)
	stored[names.AttrCase], stored[names.AttrTarget] = text(hold.Case), text(string(hold.Target))
	stored[names.AttrEntry] = text(at.UTC().Format(entryTime) + "#" + rand.Text())
	return put(h.history, stored, absent(names.AttrEntry))
}

// Lift ends the active holds that which selects, and returns them. The items stay
// as proof of what was held and until when.
func (h *Holds) Lift(ctx context.Context, which func(retention.Hold) bool, at time.Time, by string) ([]retention.Hold, error) {
	all, err := h.List(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(hold retention.Hold) bool { return !hold.Active() || !which(hold) })
	var mu sync.Mutex
	var lifted []retention.Hold
	err = doAll(ctx, all, func(ctx context.Context, hold retention.Hold) error {
		hold.LiftedAt, hold.LiftedBy = at.UTC(), by
		done, err := h.lift(ctx, hold)
		mu.Lock()
		defer mu.Unlock()
		if done {
			lifted = append(lifted, hold)
		}
		return err
	})
	sortHolds(lifted)
	return lifted, err
}

// lift ends a hold; false if another call ended it first.
func (h *Holds) lift(ctx context.Context, hold retention.Hold) (bool, error) {
	lifted := update(h.table, targetKey(hold.Target), ofCase(hold.Case, terms{
		set:    "SET #cases.#case.#liftedAt = :at, #cases.#case.#liftedBy = :by",
		where:  "attribute_not_exists(#cases.#case.#liftedAt)",
		values: item{":at": text(instant(hold.LiftedAt)), ":by": text(hold.LiftedBy)},
	}))
	return write(ctx, h.db, "lifting a hold", lifted, h.entry(hold, hold.LiftedAt))
}

// History returns the holds of a case as each setting and each lifting left them,
// the oldest event first.
func (h *Holds) History(ctx context.Context, caseID string) ([]retention.Hold, error) {
	return decodeAll(query(ctx, h.db, having(h.history, names.AttrCase, caseID), "reading the history of a case"), decodeHold)
}

// Events returns the history of every case, read strongly, in no order.
func (h *Holds) Events(ctx context.Context) ([]retention.Hold, error) {
	return decodeAll(scan(ctx, h.db, &dynamodb.ScanInput{TableName: &h.history}, "reading the history of the holds"), decodeHold)
}

// Restore brings holds into the state that the history tells, then raises every
// fence, as Set does. It writes no entry: the history has all of them. A hold that
// somebody changed meanwhile is left alone.
func (h *Holds) Restore(ctx context.Context, classes []string, repairs []retention.HoldRepair) (retention.Placed, error) {
	var standing []retention.Hold
	for _, repair := range repairs {
		if repair.Is.Active() {
			standing = append(standing, repair.Is)
		}
	}
	err := doAll(ctx, repairs, func(ctx context.Context, repair retention.HoldRepair) error {
		if err := h.makeRoom(ctx, repair.Is.Target); err != nil {
			return err
		}
		return h.restore(ctx, repair)
	})
	if err == nil {
		err = h.raiseFences(ctx)
	}
	if err != nil {
		return retention.Placed{}, err
	}
	return h.placed(ctx, classes, standing)
}

func (h *Holds) restore(ctx context.Context, repair retention.HoldRepair) error {
	restored := ofCase(repair.Is.Case, terms{
		set: "SET #cases.#case = :is", where: "attribute_not_exists(#cases.#case)", values: item{":is": members(encodeHold(repair.Is))},
	})
	if repair.Was != (retention.Hold{}) {
		restored.where = "#cases.#case = :was"
		restored.values[":was"] = members(encodeHold(repair.Was))
	}
	_, err := write(ctx, h.db, "restoring a hold", update(h.table, targetKey(repair.Is.Target), restored))
	return err
}

// sortHolds orders holds by case and target.
func sortHolds(holds []retention.Hold) {
	slices.SortFunc(holds, func(a, b retention.Hold) int {
		return strings.Compare(a.Case+"\x00"+string(a.Target), b.Case+"\x00"+string(b.Target))
	})
}
