package purge

import (
	"time"

	"stille/shared/retention"
)

// Cost is an estimate of what a purge consumes at most, for records of up to 1 KB
// without objects.
type Cost struct {
	WriteUnits, ReadUnits int // of DynamoDB
	Files                 int // written to S3
	Time                  time.Duration
}

// What a record consumes, in units of DynamoDB. `make bench` measures it.
const (
	writesRecord = 2 + 3     // a transaction takes two; by start, by withdrawal and by subject it may be in three indexes
	writesSlot   = 2 + 2 + 1 // stamp's check that the record is gone, the slot, and its place in an index
	slotsRead    = 2         // with one unit, as an index answers with half of one at least
	readsRecord  = 1         // as it is before it is deleted
	readsAfter   = 1         // the verifier's
)

// What each page adds.
const (
	writesPage = 2 // the fence check
	readsPage  = 5 // the index, by plan, worker and verifier, and whether the run is to stop
	filesPage  = 2 // its ids, and what became of them
)

// What each shard adds: its fence, and the holds, which are few.
const readsShard = 2

// How long a purge takes, roughly. A page is five calls in sequence, of which one
// deletes a hundred records. Around the pages the run plans, asks the index twice
// and signs. A table on demand that was never busier takes onDemand writes in a
// second.
const (
	aPage       = 400 * time.Millisecond
	aroundPages = 20 * time.Second
	onDemand    = 4000
)

// Estimate is what a purge of the class costs. shards are the due records of each
// shard; held is how many of them a hold keeps.
func Estimate(class string, shards []int, held int) Cost {
	due, pages, longest, busy := 0, 0, 0, 0
	for _, n := range shards {
		of := (n + MaxDeletes - 1) / MaxDeletes
		due, pages, longest, busy = due+n, pages+of, max(longest, of), busy+min(n, 1)
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

// What the functions and the state machine add.
const (
	gigabytes     = 0.5
	stepsOfAShard = 4
)

// Dollars is the price of the purge, without the time of stamp, which frees slots.
func (c Cost) Dollars() float64 {
	seconds := float64(c.Files/filesPage) * aPage.Seconds()
	millionths := float64(c.WriteUnits)*priceWrites + float64(c.ReadUnits)*priceReads + float64(c.Files)*priceFiles +
		(seconds+aroundPages.Seconds())*gigabytes*priceMemory + retention.Shards*stepsOfAShard*priceSteps
	return millionths / 1e6
}
