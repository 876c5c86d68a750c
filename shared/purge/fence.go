package purge

import (
	"context"

	"stille/shared/aws/dynamo"
)

// fence is what a worker knows of its shard's fence and of the holds. They are
// read once for all pages: every deletion is under the condition that the fence
// has not moved since, and each hold that is placed moves it.
type fence struct {
	holds *dynamo.Holds
	shard string
	known *dynamo.Fenced // nil: to be read
}

// stands returns the holds, and the epoch under which they are all there are.
func (f *fence) stands(ctx context.Context) (dynamo.Fenced, error) {
	if f.known == nil {
		read, err := f.holds.Fenced(ctx, f.shard)
		if err != nil {
			return dynamo.Fenced{}, err
		}
		f.known = &read
	}
	return *f.known, nil
}

// moved has the holds read again.
func (f *fence) moved() { f.known = nil }
