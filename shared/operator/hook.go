package operator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"time"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/scope"
)

// Registry keeps the hooks, to which other systems report opt-outs, or the webhooks.
type Registry[E hook.Entry[E]] interface {
	Registry(ctx context.Context) (hook.Entries[E], error)
	Replace(ctx context.Context, all hook.Entries[E]) error
}

// HookAddress is what the operator pastes at the provider.
type HookAddress struct {
	URL string `json:"url"`
}

// HookList is every hook.
type HookList struct {
	Hooks []HookState `json:"hooks"`
}

// HookState is a hook without its secrets.
type HookState struct {
	Provider string      `json:"provider"`
	Scope    scope.Scope `json:"scope"`
	AddedAt  time.Time   `json:"addedAt"`
	CalledAt time.Time   `json:"calledAt,omitzero"` // to the minute; zero for never
}

// AddHook lets a provider report opt-outs of a scope, and returns the address to
// give to the provider. An empty secret is made where the secret is part of the
// address. A secret that is replaced works for hook.Overlap longer, or no longer
// if only is true.
func (o *Operator) AddHook(ctx context.Context, provider, in, secret string, only bool) (*HookAddress, error) {
	if err := CheckHookSecret(provider, secret); err != nil {
		return nil, err
	}
	p, at, err := o.hook(ctx, provider, in)
	if err != nil {
		return nil, err
	}
	keyed := !p.Signed && (p.Name != "sinch" || secret == "")
	if secret == "" {
		secret = rand.Text()
	}
	base, err := o.HookBase(ctx)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("%s/in/%s/%s", base, p.Name, at)
	if keyed {
		address += "?key=" + url.QueryEscape(secret)
	}
	added := hook.Hook{Provider: p.Name, Scope: at, URL: address, AddedAt: o.Now().UTC(), Credential: hook.Credential{Secret: secret}}
	if err := addEntry(ctx, o.Hooks, added, only, o.Now()); err != nil {
		return nil, err
	}
	return &HookAddress{address}, nil
}

// addEntry adds a hook or a webhook to its registry. A secret
// that is replaced works for hook.Overlap longer, or no longer if only is true.
func addEntry[E hook.Entry[E]](ctx context.Context, to Registry[E], added E, only bool, now time.Time) error {
	all, err := to.Registry(ctx)
	if err != nil {
		return err
	}
	if only {
		all = all.Set(added)
	} else {
		all = all.Add(added, now)
	}
	return to.Replace(ctx, all)
}

// CheckHookSecret returns nil, or a Mistake where the provider cannot have the secret.
// AddHook makes the secret that is left empty.
func CheckHookSecret(provider, secret string) error {
	p, err := hook.Find(provider)
	if err != nil {
		return Mistakef("the provider %v", err)
	}
	if secret == "" && !p.Signed {
		return nil
	}
	if err := p.CheckSecret(secret); err != nil {
		return Mistakef("--secret: %v", err)
	}
	return nil
}

// ListHooks lists the hooks.
func (o *Operator) ListHooks(ctx context.Context) (*HookList, error) {
	all, err := o.Hooks.Registry(ctx)
	if err != nil {
		return nil, err
	}
	list := &HookList{Hooks: []HookState{}}
	for _, h := range all {
		last, err := o.LastCall(ctx, "hook/"+h.ID())
		if err != nil {
			return nil, err
		}
		list.Hooks = append(list.Hooks, HookState{h.Provider, h.Scope, h.AddedAt, last.At})
	}
	return list, nil
}

// RemoveHook ends a hook: the provider's calls are refused.
func (o *Operator) RemoveHook(ctx context.Context, provider, in string) (*HookState, error) {
	all, known, err := o.addedHook(ctx, provider, in)
	if err != nil {
		return nil, err
	}
	if err := o.Hooks.Replace(ctx, all.Remove(known.ID())); err != nil {
		return nil, err
	}
	return &HookState{Provider: known.Provider, Scope: known.Scope, AddedAt: known.AddedAt}, nil
}

// HookTest is what came of a sample that a hook was called with.
type HookTest struct {
	Provider string      `json:"provider"`
	Scope    scope.Scope `json:"scope"`
	Status   int         `json:"status"` // of the hook's answer
	Stored   bool        `json:"stored"` // the list shows the opt-out
}

// TestHook calls the deployed hook with an opt-out of a contact that nobody has, as
// the provider does, and looks for the opt-out in the list. A call that only the
// provider can sign must be refused. An answer beside an error tells what was wrong.
func (o *Operator) TestHook(ctx context.Context, provider, in string) (*HookTest, error) {
	_, known, err := o.addedHook(ctx, provider, in)
	if err != nil {
		return nil, err
	}
	sample, err := known.Sample(rand.Text(), o.Now())
	if err != nil {
		return nil, err
	}
	set, err := o.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := set.Keys(sample.Contact)
	if err != nil {
		return nil, err
	}
	before, err := o.lastNo(ctx, keys, known.Scope)
	if err != nil {
		return nil, err
	}
	test := &HookTest{Provider: known.Provider, Scope: known.Scope}
	if test.Status, err = o.CallHook(ctx, sample); err != nil {
		return nil, err
	}
	after, err := o.lastNo(ctx, keys, known.Scope)
	if err != nil {
		return nil, err
	}
	test.Stored = after.After(before)
	return test, test.fault(sample.Signed)
}

// fault is what is wrong with the hook, nil if nothing is.
func (t HookTest) fault(signed bool) error {
	switch {
	case t.Status == hook.Taken && t.Stored && signed, t.Status == hook.Refused && !signed:
		return nil
	case t.Status == hook.Taken && !signed:
		return errors.New("the hook took a call that the provider did not sign: add the provider's key again with `stille hook add`")
	case t.Status == hook.Taken:
		return errors.New("the hook took the opt-out, and the list does not show it: the store does not answer, and the opt-out waits; `stille status` says for what")
	case t.Status == hook.Refused, t.Status == hook.Unknown:
		return fmt.Errorf("the hook answers %d: a hook or a secret that was added works within a minute; type the command again then", t.Status)
	}
	return fmt.Errorf("the hook answers %d: the log of the function hook says why", t.Status)
}

// lastNo is the time of the newest opt-out of a contact in exactly this scope.
func (o *Operator) lastNo(ctx context.Context, keys []contact.Key, in scope.Scope) (last time.Time, err error) {
	item, err := o.Suppressions.Get(ctx, keys)
	for _, mark := range item.Marks[in] {
		if mark.Last.After(last) {
			last = mark.Last
		}
	}
	return last, err
}

// addedHook returns the registry, and its hook of the provider and the scope.
func (o *Operator) addedHook(ctx context.Context, provider, in string) (hook.Registry, hook.Hook, error) {
	p, at, err := o.hook(ctx, provider, in)
	if err != nil {
		return nil, hook.Hook{}, err
	}
	all, err := o.Hooks.Registry(ctx)
	if err != nil {
		return nil, hook.Hook{}, err
	}
	known, added := all.ByID(hook.Hook{Provider: p.Name, Scope: at}.ID())
	if !added {
		return nil, hook.Hook{}, fmt.Errorf("there is no hook of %s for %s; `stille hook list` shows all", p.Name, at)
	}
	return all, known, nil
}

func (o *Operator) hook(ctx context.Context, provider, in string) (hook.Provider, scope.Scope, error) {
	p, err := hook.Find(provider)
	if err != nil {
		return hook.Provider{}, "", Mistakef("the provider %v", err)
	}
	at, err := o.scope(ctx, in)
	return p, at, err
}
