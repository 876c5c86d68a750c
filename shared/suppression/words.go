package suppression

import (
	"slices"
	"strings"
	"time"
)

// Word is one opt-out or one undo.
type Word struct {
	At     time.Time
	Source Source
	Undo   bool
}

const (
	// sameWord is how near two words of one kind must lie to be a repetition, and how
	// far a repetition may move a mark unrecorded.
	sameWord = time.Hour
	// maxWords bounds the words of a mark. Beyond the bound a mark forgets words
	// that decide nothing as yet.
	maxWords = 24
)

// compare orders words by time. At one instant the opt-out follows the undo,
// which therefore does not lift the opt-out; the rest of the order is arbitrary.
func (w Word) compare(other Word) int {
	if by := w.At.Compare(other.At); by != 0 {
		return by
	}
	if w.Undo != other.Undo {
		if w.Undo {
			return -1
		}
		return 1
	}
	return strings.Compare(string(w.Source), string(other.Source))
}

// repeats tells whether two words say the same within the hour.
func (w Word) repeats(other Word) bool {
	return w.Source.isLike(other.Source) && w.Undo == other.Undo && w.At.Sub(other.At).Abs() <= sameWord
}

// insert returns a copy of the words with one more, in order.
func insert(words []Word, w Word) []Word {
	at, there := slices.BinarySearchFunc(words, w, Word.compare)
	if there {
		return words
	}
	return slices.Insert(slices.Clone(words), at, w)
}

// words returns the words since the newest release that was no undo, and that
// release.
func (m Mark) words() ([]Word, time.Time) {
	switch {
	case len(m.Words) > 0:
		return m.Words, m.Consented
	case !m.Active():
		return nil, m.ReleasedAt
	}
	return plain(m.First, m.Last, m.Source), m.ReleasedAt
}

// plain are the words of a silence that First, Last and Source tell.
func plain(first, last time.Time, source Source) []Word {
	words := []Word{{At: last, Source: source}}
	if !first.IsZero() {
		words = insert(words, Word{At: first, Source: source})
	}
	return words
}

// equal tells whether two marks are the same.
func (m Mark) equal(other Mark) bool {
	return m.First.Equal(other.First) && m.Last.Equal(other.Last) && m.Source == other.Source &&
		m.ReleasedAt.Equal(other.ReleasedAt) && m.Consented.Equal(other.Consented) &&
		sameWords(m.Words, other.Words)
}

func sameWords(a, b []Word) bool {
	return slices.EqualFunc(a, b, func(a, b Word) bool { return a.compare(b) == 0 })
}

// near tells whether no time of the two marks lies further apart than a
// repetition may, and whether both have one kind of source.
func (m Mark) near(other Mark) bool {
	within := func(a, b time.Time) bool { return a.Sub(b).Abs() <= sameWord }
	return m.Active() == other.Active() && m.Source.isLike(other.Source) &&
		within(m.First, other.First) && within(m.Last, other.Last) && within(m.ReleasedAt, other.ReleasedAt)
}

// with returns the mark with one more word, and whether the word is a repetition. A
// repetition through a link leaves the mark as it is. Any other repetition is kept
// in the mark: a consent from between two opt-outs must find the newer.
func (m Mark) with(w Word) (next Mark, repeated bool) {
	words, consented := m.words()
	if w.At.Before(consented) { // overtaken by a release
		if !w.Undo && w.At.After(m.Last) {
			m.Last, m.Source = w.At, w.Source
		}
		return m, false
	}
	if slices.ContainsFunc(words, func(known Word) bool { return known.compare(w) == 0 }) {
		return m, false
	}
	next = m.fold(insert(words, w), consented)
	if repeated = (m.Active() || w.Undo) && slices.ContainsFunc(words, w.repeats) && m.near(next); repeated && w.Source.FromLink() {
		return m, true
	}
	return next, repeated
}

// silence is a row of opt-outs that nothing has lifted between.
type silence struct {
	first, last time.Time
	source      Source
}

// hear adds an opt-out, which is not older than the silence.
func (s *silence) hear(w Word) {
	if s.first.IsZero() {
		*s = silence{w.At, w.At, w.Source}
		return
	}
	s.last, s.source = w.At, s.source.merge(w.Source)
}

// merge returns the source of a silence with a newer opt-out. An opt-out through a
// link may be undone, an opt-out from another source must not: a click must not
// make the silence undoable. Likewise a silence may be undone through the link of
// another scope only while every opt-out came through that link.
func (s Source) merge(newer Source) Source {
	switch {
	case !newer.FromLink() || s == newer:
		return newer
	case !s.FromLink():
		return s
	case newer.isThrough():
		return SourceLink
	}
	return newer
}

// undoable tells whether an undo lifts the silence: within the window, through
// the link of the scope, or through the link of every opt-out.
func (s *silence) undoable(undo Word) bool {
	through := !undo.Source.isThrough() || undo.Source == s.source
	return s.source.FromLink() && through && undo.At.Sub(s.first) <= UndoWindow
}

// fold returns the mark that follows from words and a release. The mark m gives
// the opt-outs before the release.
func (m Mark) fold(words []Word, consented time.Time) Mark {
	words = slices.DeleteFunc(slices.Clone(words), func(w Word) bool { return w.At.Before(consented) })
	next := m.heard(words, consented)
	for i := 0; len(words) > maxWords && i < len(words); {
		fewer := slices.Delete(slices.Clone(words), i, i+1)
		if shorter := m.heard(fewer, consented); shorter.equal(next) || !shorter.Active() && !next.Active() {
			words, next = fewer, shorter
		} else {
			i++
		}
	}
	if next.Active() && next.ReleasedAt.Equal(consented) && sameWords(words, plain(next.First, next.Last, next.Source)) || len(words) == 0 {
		return next
	}
	next.Words, next.Consented = words, consented
	return next
}

// heard is fold without the words themselves.
func (m Mark) heard(words []Word, consented time.Time) Mark {
	var now, lifted silence
	released := consented
	for _, w := range words {
		switch {
		case !w.Undo:
			now.hear(w)
		case now.first.IsZero():
			released = w.At
		case now.undoable(w):
			lifted, now, released = now, silence{}, w.At
		}
	}
	if now.first.IsZero() {
		now = lifted
	}
	if now.last.Before(m.Last) && !now.last.After(released) && !m.Last.After(released) || now.first.IsZero() {
		return Mark{First: m.First, Last: m.Last, Source: m.Source, ReleasedAt: released}
	}
	return Mark{First: now.first, Last: now.last, Source: now.source, ReleasedAt: released}
}
