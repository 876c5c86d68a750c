package purge

import (
	"context"
)

// fence is what a worker knows of its shard's fence and of the holds. The worker
// reads both once for all pages: every deletion is conditional on the fence, and
// a hold that is placed moves the fence.
type fence struct {
	holds Holds
	shard string
	known *Fenced // nil: to be read
}

// read returns the epoch of the fence and everything that is held at that epoch.
func (f *fence) read(ctx context.Context) (Fenced, error) {
	if f.known == nil {
		fenced, err := f.holds.Fenced(ctx, f.shard)
		if err != nil {
			return Fenced{}, err
		}
		f.known = &fenced
	}
	return *f.known, nil
}

// forget lets the fence and the holds be read again.
func (f *fence) forget() { f.known = nil }
