package purgetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// holds are the holds of the store.
type holds struct{ view }

func (h holds) Fence(ctx context.Context, shard string) (int64, error) {
	unlock, err := h.request(ctx, "GetItem")
	if err != nil {
		return 0, err
	}
	defer unlock()
	return h.epochs[shard], nil
}

func (h holds) Fenced(ctx context.Context, shard string) (purge.Fenced, error) {
	epoch, err := h.Fence(ctx, shard)
	if err != nil {
		return purge.Fenced{}, err
	}
	unlock, err := h.request(ctx, "Scan")
	if err != nil {
		return purge.Fenced{}, err
	}
	defer unlock()
	fenced := purge.Fenced{Epoch: epoch, Turns: h.turns[shard], Held: purge.HeldTargets{}}
	for target := range h.cases {
		h.note(target, fenced.Held)
	}
	return fenced, nil
}

func (h holds) note(target retention.Target, held purge.HeldTargets) {
	for _, hold := range h.cases[target] {
		if hold.Active() {
			held[target] = true
		}
	}
}

func (h holds) Held(ctx context.Context, targets []retention.Target) (purge.HeldTargets, error) {
	held := purge.HeldTargets{}
	if len(targets) == 0 {
		return held, nil
	}
	unlock, err := h.request(ctx, "BatchGetItem")
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, target := range targets {
		h.note(target, held)
	}
	return held, nil
}

var errHolds = errors.New("placing holds: none is given")

func (h holds) Set(ctx context.Context, classes []string, placing []retention.Hold) (retention.Placed, error) {
	if len(placing) == 0 {
		return retention.Placed{}, errHolds
	}
	if err := h.store(ctx, placing); err != nil {
		return retention.Placed{}, err
	}
	unlock, err := h.request(ctx, "UpdateItem")
	if err != nil {
		return retention.Placed{}, err
	}
	defer unlock()
	h.raise()
	placed := retention.Placed{Covers: map[retention.Target]int{}}
	for _, hold := range placing {
		h.cover(classes, hold.Target, &placed)
	}
	slices.Sort(placed.TooLate)
	placed.TooLate = slices.Compact(placed.TooLate)
	return placed, nil
}

// store stores all of the holds, or none.
func (h holds) store(ctx context.Context, placing []retention.Hold) error {
	unlock, err := h.request(ctx, "TransactWriteItems")
	if err != nil {
		return err
	}
	defer unlock()
	for _, hold := range placing {
		if before, there := h.cases[hold.Target][hold.Case]; there && before.Active() && before.Kind != hold.Kind {
			return retention.ErrOtherKind
		}
	}
	for _, hold := range placing {
		if h.cases[hold.Target] == nil {
			h.cases[hold.Target] = map[string]retention.Hold{}
		}
		h.cases[hold.Target][hold.Case] = hold
		h.events = append(h.events, hold)
	}
	return nil
}

// cover counts the records that the target covers, and notes those that a purge
// has marked.
func (h holds) cover(classes []string, target retention.Target, placed *retention.Placed) {
	for class, records := range h.classes {
		for id, i := range records {
			stored, err := read(i)
			covered := target == retention.RecordTarget(class, id)
			if subject, onSubject := target.Subject(); onSubject && slices.Contains(classes, class) {
				covered = i[names.AttrSubject] == string(subject)
			}
			if !covered {
				continue
			}
			placed.Covers[target]++
			if err == nil && stored.PurgingBy != "" {
				placed.TooLate = append(placed.TooLate, retention.RecordTarget(class, id))
			}
		}
	}
}

func (h holds) List(ctx context.Context) ([]retention.Hold, error) {
	unlock, err := h.request(ctx, "Scan")
	if err != nil {
		return nil, err
	}
	defer unlock()
	var all []retention.Hold
	for _, cases := range h.cases {
		all = slices.AppendSeq(all, maps.Values(cases))
	}
	sortHolds(all)
	return all, nil
}

func sortHolds(all []retention.Hold) {
	slices.SortFunc(all, func(a, b retention.Hold) int {
		return cmp.Or(strings.Compare(a.Case, b.Case), strings.Compare(string(a.Target), string(b.Target)))
	})
}

func (h holds) Lift(ctx context.Context, which func(retention.Hold) bool, at time.Time, by string) ([]retention.Hold, error) {
	unlock, err := h.request(ctx, "TransactWriteItems")
	if err != nil {
		return nil, err
	}
	defer unlock()
	var lifted []retention.Hold
	for _, cases := range h.cases {
		for id, hold := range cases {
			if hold.Active() && which(hold) {
				hold.LiftedAt, hold.LiftedBy = at.UTC(), by
				cases[id] = hold
				lifted = append(lifted, hold)
			}
		}
	}
	sortHolds(lifted)
	h.events = append(h.events, lifted...)
	return lifted, nil
}

func (h holds) Events(ctx context.Context) ([]retention.Hold, error) {
	unlock, err := h.request(ctx, "Scan")
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.Clone(h.events), nil
}

func (h holds) Restore(ctx context.Context, classes []string, repairs []retention.HoldRepair) (retention.Placed, error) {
	unlock, err := h.request(ctx, "UpdateItem")
	if err != nil {
		return retention.Placed{}, err
	}
	defer unlock()
	placed := retention.Placed{Covers: map[retention.Target]int{}}
	for _, repair := range repairs {
		at := repair.Is
		if h.cases[at.Target] == nil {
			h.cases[at.Target] = map[string]retention.Hold{}
		}
		if h.cases[at.Target][at.Case].Same(repair.Was) {
			h.cases[at.Target][at.Case] = at
		}
	}
	h.raise()
	for _, repair := range repairs {
		if repair.Is.Active() {
			h.cover(classes, repair.Is.Target, &placed)
		}
	}
	slices.Sort(placed.TooLate)
	placed.TooLate = slices.Compact(placed.TooLate)
	return placed, nil
}

// raise raises every fence.
func (h holds) raise() {
	for n := range retention.Shards {
		h.epochs[retention.ShardName(n)]++
	}
}

func (h holds) History(ctx context.Context, caseID string) ([]retention.Hold, error) {
	unlock, err := h.request(ctx, "Query")
	if err != nil {
		return nil, err
	}
	defer unlock()
	return slices.DeleteFunc(slices.Clone(h.events), func(hold retention.Hold) bool { return hold.Case != caseID }), nil
}
