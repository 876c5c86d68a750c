package purge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// ErrRestless means that the index kept showing records that are deleted or lie
// elsewhere in the table.
var ErrRestless = errors.New("the index does not catch up with the table")

// Verifier reads again, after a run, what the run claims. It deletes nothing
// and needs no permission to delete.
type Verifier struct {
	Records  Records
	Manifest Manifest
	// HMAC names a deleted record in the certificate's list. Two records have two
	// names.
	HMAC func(class, id string) string
	// Keep stores the list of a shard. It is called for several shards at once,
	// and not for a shard without a deleted record.
	Keep func(ctx context.Context, shard string, list []byte) error
	// Missed is what a due record counts as that the index shows and the run never
	// took: Left or Failed. If it is empty, the index is not read.
	Missed Outcome
	// Pause is the wait before the index is read again.
	Pause time.Duration
	// Planned is how many records the run planned. Of a large run fewer shards are
	// accounted for at the same time.
	Planned int
}

const (
	// mostTogether is about how many records there are in the shards that are accounted
	// for at the same time. The files of their pages are read at the same time, too.
	mostTogether = 5_000
	// mostInPart is how many records of one shard are in memory. A part that is full
	// loses the last of cutOfPart pieces.
	mostInPart = 36_000
	cutOfPart  = 8
	// lineOfList is the length of an HMAC in a list, in bytes.
	lineOfList = 65
)

// loadsAtOnce is how many requests for records run at the same time.
const loadsAtOnce = 64

// shardsAtOnce is how many shards are accounted for at the same time.
func (v Verifier) shardsAtOnce() int {
	return max(1, min(retention.Shards, mostTogether*retention.Shards/max(1, v.Planned)))
}

// Account is what a run did, according to its manifest, the tables and the index.
// The lists of the deleted records are large, so they are stored and not in the
// account.
type Account struct {
	Counts  certificate.Counts
	Objects certificate.Objects         // of the deleted records
	Lists   map[string]certificate.List // shard -> its list
}

// Account reads every record of the run's manifest again, strongly. For a page
// that was cut off the table decides, so an interrupted run comes to the same
// counts. Then Account reads the index, unless Missed is empty.
func (v Verifier) Account(ctx context.Context, class retention.Class, run string, cutoff time.Time) (Account, error) {
	total := Account{Lists: map[string]certificate.List{}}
	var mu sync.Mutex
	inMemory := make(chan struct{}, v.shardsAtOnce())
	err := eachShard(ctx, max(shardsAtOnce, cap(inMemory)), func(ctx context.Context, _ int, shard string) error {
		inMemory <- struct{}{}
		account, err := v.accountShard(ctx, class, run, shard, cutoff)
		list := certificate.NewList(account.list)
		if err == nil && list.Count > 0 {
			err = v.Keep(ctx, shard, account.list)
		}
		account.list = nil
		<-inMemory
		if err == nil && v.Missed != "" {
			err = v.verifyShard(ctx, class, shard, cutoff, &account)
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		total.Counts, total.Objects = total.Counts.Plus(account.counts), total.Objects.Plus(account.objects)
		if list.Count > 0 {
			total.Lists[shard] = list
		}
		return nil
	})
	if err != nil {
		return Account{}, fmt.Errorf("accounting for a purge of %s: %w", class.Name, err)
	}
	return total, nil
}

// shardAccount is the account of one shard. It names records by their HMACs.
type shardAccount struct {
	counts  certificate.Counts
	objects certificate.Objects
	list    []byte          // the deleted records
	kept    map[string]bool // the kept records that are counted
}

// accountShard reads the manifest once for each part of the shard, so that its memory
// does not grow with the number of records. The parts are in the order of the HMACs.
func (v Verifier) accountShard(ctx context.Context, class retention.Class, run, shard string, cutoff time.Time) (shardAccount, error) {
	account := shardAccount{kept: map[string]bool{}}
	for next, more := "", true; more; more = next != "" {
		part := part{from: next, noted: map[string]*noted{}}
		if err := v.readPart(ctx, class, run, shard, cutoff, &part); err != nil {
			return account, err
		}
		keys := slices.Sorted(maps.Keys(part.noted))
		account.list = slices.Grow(account.list, len(keys)*lineOfList)
		for _, key := range keys {
			account.count(key, part.noted[key])
		}
		next = part.end
	}
	return account, nil
}

// part holds the records of a shard's manifest whose HMACs are in a range.
type part struct {
	from, end string            // the first HMAC, and the first behind; "" for none
	noted     map[string]*noted // by HMAC
}

// note notes the outcome of a record, and returns the record if it is new.
func (p *part) note(key string, outcome Outcome, objects certificate.Objects) *noted {
	if key < p.from || p.end != "" && key >= p.end {
		return nil
	}
	if known := p.noted[key]; known != nil {
		known.note(outcome, objects)
		return nil
	}
	if len(p.noted) == mostInPart {
		keys := slices.Sorted(maps.Keys(p.noted))
		p.end = keys[len(keys)-len(keys)/cutOfPart]
		maps.DeleteFunc(p.noted, func(key string, _ *noted) bool { return key >= p.end })
		return p.note(key, outcome, objects)
	}
	p.noted[key] = &noted{outcome: outcome, wasCut: outcome == cutOff, objects: objects}
	return p.noted[key]
}

// readPart reads the manifest, and the records of the part from their table.
func (v Verifier) readPart(ctx context.Context, class retention.Class, run, shard string, cutoff time.Time, part *part) error {
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(max(1, loadsAtOnce/v.shardsAtOnce()))
	wanted := map[string]*noted{} // by id
	load := func() {
		some := wanted
		wanted = map[string]*noted{}
		group.Go(func() error { return v.load(inGroup, class, cutoff, some) })
	}
	for page, err := range v.Manifest.Pages(inGroup, class.Name, run, shard) {
		if err != nil {
			return cmp.Or(group.Wait(), err)
		}
		for _, id := range page.IDs {
			if record := part.note(v.HMAC(class.Name, id), page.Outcomes[id], page.Objects[id]); record != nil {
				wanted[id] = record
			}
			if len(wanted) == MaxDeletes {
				load()
			}
		}
	}
	load()
	return group.Wait()
}

// load reads records strongly, and notes what became of them.
func (v Verifier) load(ctx context.Context, class retention.Class, cutoff time.Time, wanted map[string]*noted) error {
	if len(wanted) == 0 {
		return nil
	}
	there, unreadable, err := v.Records.Load(ctx, class.Name, slices.Collect(maps.Keys(wanted)))
	if err != nil {
		return err
	}
	for id, of := range wanted {
		record, exists := there[id]
		of.exists = exists || unreadable[id] != nil
		of.stillDue = unreadable[id] != nil || exists && class.Due(record.Record, cutoff)
		of.marked = record.PurgingBy != ""
	}
	return nil
}

// cutOff is the outcome of a record in a page that was cut off.
const cutOff Outcome = ""

// noted is what the manifest and the table say of a record.
type noted struct {
	outcome Outcome
	wasCut  bool // a page with the record was cut off
	objects certificate.Objects

	exists, stillDue, marked bool
}

// note notes the outcome of a further page with the record. The newest outcome
// counts. If a later page found a record gone, the earlier page that was cut off
// deleted it. If the first page found it gone, this run did not delete it. A later
// page finds fewer versions of an object that an earlier page began to delete.
func (n *noted) note(outcome Outcome, objects certificate.Objects) {
	n.wasCut = n.wasCut || outcome == cutOff
	n.objects = n.objects.Most(objects)
	switch {
	case n.outcome == Deleted, outcome == Gone && n.outcome != cutOff:
	case outcome == Gone:
		n.outcome = Deleted
	default:
		n.outcome = outcome
	}
}

// verifiedOutcome compares the manifest with the table. A certificate lists a record as
// deleted only if the record is gone, or was stored again and is not due. A
// record that was stored again and is due counts as failed; the next run takes
// it. A kept record that is gone was deleted by its owner, unless one of its pages
// was cut off: AWS may call a function twice, and the call that was cut off may
// have deleted what the other call left. A marked record exists, but its objects may
// be gone.
func (n *noted) verifiedOutcome() Outcome {
	switch {
	case n.marked:
		return Failed
	case n.wasCut && !n.exists:
		return Deleted
	case n.outcome == cutOff && !n.stillDue:
		return Changed
	case n.outcome == cutOff, n.outcome == Deleted && n.stillDue:
		return Failed
	case n.outcome != Deleted && !n.exists:
		return Gone
	case n.outcome == Left && !n.stillDue:
		return Changed
	}
	return n.outcome
}

// count counts a record.
func (a *shardAccount) count(key string, n *noted) {
	outcome := n.verifiedOutcome()
	a.add(outcome, 1)
	switch outcome {
	case Deleted:
		a.list = certificate.AppendKey(a.list, key)
		a.objects = a.objects.Plus(n.objects)
	case Held, Changed, Failed, Left, cutOff:
		a.kept[key] = true
	case Gone:
	}
}

// add counts records with an outcome.
func (a *shardAccount) add(outcome Outcome, n int) {
	switch outcome {
	case Gone:
		return
	case Deleted:
		a.counts.Deleted += n
	case Held:
		a.counts.Held += n
	case Changed:
		a.counts.Changed += n
	case Left:
		a.counts.Left += n
	case Failed, cutOff:
		a.counts.Failed += n
	}
	a.counts.Due += n
}

// Stop after quietAnswers clean answers in a row; give up after mostAnswers.
const (
	quietAnswers = 2
	mostAnswers  = 30
)

// verifyShard reads the index until it shows, twice in a row, no due record that is
// not accounted for, because the index lags behind the table by moments. The due
// records that the run never took are added to the account as Missed (a record was
// stamped only now). The next run takes them.
func (v Verifier) verifyShard(ctx context.Context, class retention.Class, shard string, cutoff time.Time, account *shardAccount) error {
	quiet := 0
	for range mostAnswers {
		stale, more, err := v.ask(ctx, class, shard, cutoff, account.kept)
		if err != nil {
			return err
		}
		if quiet++; stale {
			quiet = 0
		}
		if quiet == quietAnswers {
			account.add(v.Missed, more)
			return nil
		}
		if err := wait(ctx, v.Pause); err != nil {
			return err
		}
	}
	return ErrRestless
}

// wait returns after the pause, or with the error of an ended context.
func wait(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

// ask reads the index of a shard once. It reports whether the index lags behind the
// table, and how many due records are not among the kept. The index shows the oldest
// first, and of a limited run a large part is left: once a whole request finds nothing
// deleted, ask believes the index.
func (v Verifier) ask(ctx context.Context, class retention.Class, shard string, cutoff time.Time, kept map[string]bool) (stale bool, more int, err error) {
	believed := false
	for ids, err := range idsOf(eachDue(ctx, v.Records, class, shard, cutoff)) {
		if err != nil {
			return false, 0, err
		}
		unknown := slices.DeleteFunc(ids, func(id string) bool { return kept[v.HMAC(class.Name, id)] })
		if len(unknown) == 0 || believed {
			more += len(unknown)
			continue
		}
		there, unreadable, err := v.Records.Load(ctx, class.Name, unknown)
		if err != nil {
			return false, 0, err
		}
		due := 0
		for _, id := range unknown {
			record, exists := there[id]
			switch {
			case unreadable[id] != nil, exists && class.Due(record.Record, cutoff):
				due++
			case !exists, !isShownDue(class, record, cutoff):
				stale = true
			}
		}
		more += due
		believed = v.Missed == Left && due == MaxDeletes
	}
	return stale, more, nil
}

// isShownDue reports whether an index that does not lag shows the record as due: a
// record that was changed lies in its old place until stamp has seen the change.
func isShownDue(class retention.Class, record retention.Stored, cutoff time.Time) bool {
	shown := func(sort string, by Index) bool {
		return sort != "" && sort < retention.Sort(before(by, class, cutoff))
	}
	return shown(record.Sort, ByStart) || shown(record.WithdrawnSort, ByWithdrawal)
}
