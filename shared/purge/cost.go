package purge

import (
	"time"

	"stille/shared/retention"
)

// Cost is an estimate of the most that a purge consumes, for records of up to 1
// KB without objects.
type Cost struct {
	WriteUnits, ReadUnits int // of DynamoDB
	Files                 int // written to S3
	Time                  time.Duration
}

// The consumption of one record, in units of DynamoDB. `make bench` measures
// it.
const (
	writesRecord = 2 + 3     // a transaction costs two units; the record may be in three indexes: by start, by withdrawal and by subject
	writesSlot   = 2 + 2 + 1 // stamp's check that the record is gone, the slot, and its place in an index
	slotsRead    = 2         // slots for one unit: an answer of an index costs at least half a unit
	readsRecord  = 1         // before the deletion
	readsAfter   = 1         // by the verifier
)

// The consumption of one page.
const (
	writesPage = 2 // the fence check
	readsPage  = 5 // the index, by plan, worker and verifier, and the check for a stop
	filesPage  = 2 // its ids and its outcomes
)

// The consumption of one shard: its fence and the holds, which are few.
const readsShard = 2

// Rough durations. A page is five calls in sequence, and one of them deletes a
// hundred records. Beside the pages the run plans, reads the index twice and
// signs. An on-demand table takes onDemand writes a second before it scales.
const (
	aPage       = 400 * time.Millisecond
	aroundPages = 20 * time.Second
	onDemand    = 4000
)

// Estimate is the cost of a purge of the class. shards holds the number of due
// records of each shard; held is the number of held records among them.
func Estimate(class string, shards []int, held int) Cost {
	due, pages, longest, busy := 0, 0, 0, 0
	for _, n := range shards {
		shardPages := (n + MaxDeletes - 1) / MaxDeletes
		due, pages, longest, busy = due+n, pages+shardPages, max(longest, shardPages), busy+min(n, 1)
	}
	going := due - held
	cost := Cost{
		WriteUnits: going*writesRecord + pages*writesPage,
		ReadUnits:  due*(readsRecord+readsAfter) + pages*readsPage + busy*readsShard,
		Files:      pages * filesPage,
	}
	if class == retention.Messaging {
		cost.WriteUnits += going * writesSlot
		cost.ReadUnits += (going + slotsRead - 1) / slotsRead
	}
	page := aPage * time.Duration(max(longest, (pages+shardsAtOnce-1)/shardsAtOnce))
	throttled := time.Duration(2*going) * time.Second / onDemand
	cost.Time = aroundPages + max(page, throttled)
	return cost
}

// Prices on demand in us-east-1, in dollars a million.
const (
	priceWrites = 0.625
	priceReads  = 0.125
	priceFiles  = 5 + 0.4 // each file is written and read once
	priceMemory = 13.3334 // of Lambda's gigabyte seconds, arm64
	priceSteps  = 25      // of Step Functions
)

// The durations of the functions and the transitions of the state machine.
const (
	gigabytes     = 0.5
	stepsOfAShard = 6
)

// Dollars is the price of the purge, without stamp's time for freeing slots.
func (c Cost) Dollars() float64 {
	seconds := float64(c.Files/filesPage) * aPage.Seconds()
	millionths := float64(c.WriteUnits)*priceWrites + float64(c.ReadUnits)*priceReads + float64(c.Files)*priceFiles +
		(seconds+aroundPages.Seconds())*gigabytes*priceMemory + retention.Shards*stepsOfAShard*priceSteps
	return millionths / 1e6
}
