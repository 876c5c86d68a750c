package main

import (
	"context"
	"fmt"

	"stille/shared/aws/keyring"
)

type keyCommands struct {
	List    keyList    `cmd:"" help:"List the keys of each set, and what is due."`
	Rotate  keyRotate  `cmd:"" help:"Add a key, or take the next step of a rotation."`
	Destroy keyDestroy `cmd:"" help:"Destroy a contact key that nothing uses."`
}

type keyList struct{}

func (keyList) Run(ctx context.Context, s *session, on *stack) error {
	listing, err := on.rotateKeys.List(ctx)
	if err != nil {
		return err
	}
	return show(s, "keys list", &listing, nil)
}

type keyRotate struct {
	Set string `arg:"" enum:"link,contact" help:"link or contact."`
}

func (k keyRotate) Run(ctx context.Context, s *session, on *stack) error {
	return changeKeys(ctx, s, on, keyring.Order{Rotate: k.Set})
}

type keyDestroy struct {
	Set string `arg:"" enum:"contact,link,proof" help:"contact; link and proof keys are never destroyed."`
	ID  string `arg:"" check:"keyid" name:"keyid" help:"The key, by its id: 8 hexadecimal digits."`
}

func (k keyDestroy) Run(ctx context.Context, s *session, on *stack) error {
	return changeKeys(ctx, s, on, keyring.Order{Destroy: &keyring.Destroy{Set: k.Set, ID: k.ID}})
}

func changeKeys(ctx context.Context, s *session, on *stack, order keyring.Order) error {
	answer, err := on.rotateKeys.Change(ctx, order)
	if err != nil {
		return fmt.Errorf("%w; `stille keys list` says how the keys stand", err)
	}
	return show(s, "keys change", &answer, nil)
}
