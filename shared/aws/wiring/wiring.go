// Package wiring builds the functions that use the suppression list: the calls of
// the tools' API, the two functions behind the links, and functions that read a
// queue. The main of a function holds only the parts of that function.
package wiring

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/emf"
	"stille/shared/aws/hooks"
	"stille/shared/aws/keyring"
	"stille/shared/aws/lambdafn"
	"stille/shared/aws/sqsqueue"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
	"stille/shared/webhook"
)

// Deps are the parts that a function is built from. They read nothing by themselves
// before the first request.
type Deps struct {
	*lambdafn.Container
	DB      *dynamo.Client
	List    *dynamo.Suppressions
	Keys    *keyring.Ring // proven against the list's table
	Records *dynamo.Records
	Tools   *dynamo.Tools
	Now     func() time.Time
}

// Function serves the handler that build returns. It returns only if the function
// cannot start, with the exit code.
func Function(name string, now func() time.Time, build func(Deps) any) int {
	return lambdafn.Lambda(name, func(c *lambdafn.Container) any { return build(deps(c, now)) })
}

// API serves one call of the tools' API to tools with a valid key.
func API(name string, now func() time.Time, build func(Deps) api.Call) int {
	return lambdafn.Lambda(name, func(c *lambdafn.Container) any { return serve(c, now, build) })
}

// callPatience is how long one call of a service may take, with its retries, in a
// call of a tool. A store that hangs is a 503 long before the tool gives up, and a
// thousand contacts take the time that they need.
const callPatience = 3 * time.Second

func serve(c *lambdafn.Container, now func() time.Time, build func(Deps) api.Call) gateway.Handler {
	c.AWS.APIOptions = append(c.AWS.APIOptions, limited)
	d := deps(c, now)
	return api.Serve(access.NewGuard(d.Tools, now), d.Log, build(d))
}

// limited ends every call of a client after callPatience.
func limited(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("TimeLimit",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			ctx, cancel := context.WithTimeout(ctx, callPatience)
			defer cancel()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

// Links answers the links of one channel.
func Links(name string, now func() time.Time, ch contact.Channel) int {
	return Function(name, now, func(d Deps) any {
		webhooks := d.Webhooks()
		serve := links(d, ch, webhooks)
		readFirst(d.Keys, webhooks)
		return serve
	})
}

// startPatience is how long a container may take to read its keys when it starts.
const startPatience = time.Second

// readFirst reads what a link needs while Lambda starts the container, which has
// more power then than later: a page waits for the state of a contact for a moment
// only. What cannot be read now is read by the first request.
func readFirst(keys *keyring.Ring, webhooks func(context.Context) (webhook.Registry, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { _, _ = keys.Link(ctx) })
	all.Go(func() { _, _ = keys.Contact(ctx) })
	all.Go(func() { _, _ = webhooks(ctx) })
	all.Wait()
}

func deps(c *lambdafn.Container, now func() time.Time) Deps {
	db := dynamo.NewClient(c.AWS)
	list := dynamo.NewSuppressions(db, c.Stack)
	return Deps{
		Container: c, DB: db, List: list, Records: dynamo.NewRecords(db, c.Stack), Tools: dynamo.NewTools(db, c.Stack), Now: now,
		Keys: keyring.NewRing(secretsmanager.NewFromConfig(c.AWS), c.Stack.Stack, list, now),
	}
}

// Store stores the opt-outs of a door. What the list does not take waits in the
// outage queue.
func (d Deps) Store() outage.Store {
	store := outage.Store{Keys: d.Keys, List: d.List, Queue: d.Outage(), Breaker: &outage.Breaker{}, Links: &outage.Links{}, Patience: outage.Patience}
	if longer := d.Env.Optional(names.VarStorePatience); longer != "" {
		var err error
		store.Patience, err = time.ParseDuration(longer)
		d.Env.Wrong(names.VarStorePatience, err)
	}
	return store
}

// Outage is the outage queue.
func (d Deps) Outage() sqsqueue.Queue {
	return sqsqueue.New(sqs.NewFromConfig(d.AWS), d.Env.Required(names.VarOutageQueue))
}

// Webhooks is the registry of the webhooks, kept for a while.
func (d Deps) Webhooks() func(context.Context) (webhook.Registry, error) {
	return hooks.NewCached(hooks.NewWebhooks(secretsmanager.NewFromConfig(d.AWS), d.Stack.Stack), d.Now).Registry
}

// WebhookQueue is the queue of what webhooks are told.
func (d Deps) WebhookQueue() sqsqueue.Webhooks {
	return sqsqueue.NewWebhooks(sqs.NewFromConfig(d.AWS), d.Env.Required(names.VarWebhookQueue))
}

func links(d Deps, ch contact.Channel, webhooks func(context.Context) (webhook.Registry, error)) any {
	texts, err := pages.New()
	d.Env.Wrong("the pages' texts", err)
	return timed(unsubscribe.Handler{
		Links:   unsubscribe.Links{Keys: d.Keys, Scopes: d.Scopes()},
		Channel: ch,
		List:    d.List,
		Store:   d.Store(),
		Tell:    webhook.Clicks{Webhooks: webhooks, Keys: d.Keys.Link, Queue: d.WebhookQueue().Put, Now: d.Now}.Tell,
		Pages:   texts,
		Log:     d.Log,
		Now:     d.Now,
		Zone:    zone(d.Policy()),
	}.Serve, ch, d.Log, d.Now)
}

// zone is where messaging data is kept by the day, and its people live.
func zone(policy *retention.Policy) *time.Location {
	if policy != nil {
		if messaging, ok := policy.Class(names.Messaging); ok {
			return messaging.Location()
		}
	}
	return time.UTC
}

// timed logs how long a click took, from its arrival at the gateway to the answer,
// which is 200 once the click is stored. A click that waits for the store is timed by
// propagate.
func timed(serve gateway.Handler, ch contact.Channel, log *slog.Logger, now func() time.Time) gateway.Handler {
	return func(ctx context.Context, req gateway.Request) (gateway.Response, error) {
		answer, err := serve(ctx, req)
		arrived := req.RequestContext.TimeEpoch
		if arrived > 0 && req.RequestContext.HTTP.Method == http.MethodPost && answer.StatusCode == http.StatusOK {
			at := now()
			log.InfoContext(ctx, "a click was stored", names.MetricChannel, ch, names.MetricClickToEnforced, max(0, at.UnixMilli()-arrived),
				emf.Timed(at, names.MetricChannel, names.MetricClickToEnforced))
		}
		return answer, err
	}
}
