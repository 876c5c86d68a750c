package purge

import (
	"context"
)

// fence is what a worker knows of its shard's fence and of the holds. They are
// read once for all pages: every deletion is under the condition that the fence
// has not moved since, and each hold that is placed moves it.
type fence struct {
	holds Holds
	shard string
	known *Fenced // nil: to be read
}

// stands returns the holds, and the epoch under which they are all there are.
func (f *fence) stands(ctx context.Context) (Fenced, error) {
	if f.known == nil {
		read, err := f.holds.Fenced(ctx, f.shard)
		if err != nil {
			return Fenced{}, err
		}
		f.known = &read
	}
	return *f.known, nil
}

// moved has the holds read again.
func (f *fence) moved() { f.known = nil }
