package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
)

const defaultTries = 10_000_000

// tokens tries doors with tokens that must not open them.
type tokens struct {
	Tries int64 `default:"10000000" help:"How many tokens to try in all."`
}

// An attack makes tokens that must not open a channel's door.
type attack struct {
	name    string
	channel contact.Channel
	forge   func(*rand.Rand) string
}

// Run tries every attack as often as every other.
func (t tokens) Run(ctx context.Context) error {
	ours, err := newDoors()
	if err != nil {
		return err
	}
	attacks, err := ours.attacks()
	if err != nil {
		return err
	}
	var tried, opened int64
	for _, a := range attacks {
		n := t.Tries / int64(len(attacks))
		found, err := ours.try(ctx, a, n)
		if err != nil {
			return err
		}
		fmt.Printf("tokens %s: %s: tried=%d opened=%d\n", a.channel, a.name, n, found)
		tried, opened = tried+n, opened+found
	}
	fmt.Printf("BENCH TokensOpened ratio=%.2f tried=%d opened=%d bar=0\n", float64(opened)/float64(max(tried, 1)), tried, opened)
	if opened > 0 {
		return fmt.Errorf("%d tokens opened that are none of ours", opened)
	}
	return nil
}

// try tries an attack n times, on every processor, and counts what opens.
func (d doors) try(ctx context.Context, a attack, n int64) (int64, error) {
	var opened, left atomic.Int64
	left.Store(n)
	group, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // an attacker's guesses
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if _, err := d.keys.Open(a.channel, a.forge(random)); err == nil {
					opened.Add(1)
				}
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return opened.Load(), err
}

// doors are key sets, and genuine tokens of each channel.
type doors struct {
	keys    *link.Keys
	genuine map[contact.Channel][]string
}

func newDoors() (doors, error) {
	secret, err := keyring.NewLinkSecret()
	if err != nil {
		return doors{}, err
	}
	set, err := keyring.ParseLink(secret)
	if err != nil {
		return doors{}, err
	}
	d := doors{keys: set, genuine: make(map[contact.Channel][]string)}
	for n := range 2000 {
		for ch, address := range map[contact.Channel]string{contact.Email: fmt.Sprintf("kari.nordmann%04d@example.no", n), contact.SMS: fmt.Sprintf("+4791%06d", n)} {
			c, err := contact.Normalise(ch, address, "")
			if err != nil {
				return doors{}, err
			}
			token, err := set.Mint(link.Target{ScopeID: uint16(1 + n%scope.MostID), Contact: c}) //nolint:gosec // below 4096
			if err != nil {
				return doors{}, err
			}
			d.genuine[ch] = append(d.genuine[ch], token)
		}
	}
	return d, nil
}
