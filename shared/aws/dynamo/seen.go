package dynamo

import (
	"hash/maphash"
	"sync/atomic"

	"stille/shared/contact"
)

// seen remembers some of the contacts that this process changed lately. A further
// change of that contact begins with a read, where the assumption that the
// contact is unknown would cost a cancelled transaction. What seen remembers or
// forgets decides which request comes first, and nothing else.
type seen struct {
	seed  maphash.Seed
	marks [4096]atomic.Uint64
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

func (s *seen) mark(key contact.Key) (*atomic.Uint64, uint64) {
	sum := maphash.String(s.seed, string(key))
	return &s.marks[sum%uint64(len(s.marks))], sum
}

func (s *seen) note(key contact.Key) {
	mark, sum := s.mark(key)
	mark.Store(sum)
}

func (s *seen) has(key contact.Key) bool {
	mark, sum := s.mark(key)
	return mark.Load() == sum
}
