package suppression

import "stille/shared/contact"

// Request is one of many changes that are asked for together.
type Request struct {
	Who    contact.Known
	Change Change
}

// Result is what came of a Request. Err wraps ErrUnreadable where an item of the
// contact cannot be understood: then the change is not made.
type Result struct {
	Outcome Outcome
	Err     error
}

// Waves divides requests, given by their numbers, into waves: a wave names each
// contact once, and the requests of a contact keep their order.
func Waves(requests []Request) [][]int {
	var waves [][]int
	named := map[contact.Key]int{}
	for n, r := range requests {
		wave := named[r.Who.Newest()]
		named[r.Who.Newest()]++
		if wave == len(waves) {
			waves = append(waves, nil)
		}
		waves[wave] = append(waves[wave], n)
	}
	return waves
}
