package purge

import (
	"context"
)

// fence is the fence of a worker's shard and the holds, as last read. The
// worker reads both once for all pages: every deletion is conditional on the
// fence, and a new hold moves the fence.
type fence struct {
	holds Holds
	shard string
	known *Fenced // nil: must be read
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

// forget makes the next read fetch the fence and the holds.
func (f *fence) forget() { f.known = nil }
