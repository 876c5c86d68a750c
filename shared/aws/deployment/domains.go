package deployment

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"stille/shared/link/domain"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/scope"
)

// domainPatience is how long a domain may take to answer.
const domainPatience = 5 * time.Second

// LinkDomains asks where links lead, and notes for mint which domains do not answer.
type LinkDomains struct {
	HTTP *http.Client
	Note func(ctx context.Context, domain string, dead bool, now time.Time) error
	Now  func() time.Time
}

// Look asks every brand's link domain.
func (l LinkDomains) Look(ctx context.Context, scopes *scope.Registry) []operator.Complaint {
	var found []operator.Complaint
	asked := map[string]bool{}
	for _, brand := range brands(scopes) {
		if asked[brand.LinkDomain] {
			continue
		}
		asked[brand.LinkDomain] = true
		wrong := l.base(ctx, "https://"+brand.LinkDomain)
		err := l.Note(ctx, brand.LinkDomain, len(wrong) > 0, l.Now())
		for _, c := range wrong {
			if err == nil {
				c.Wrong += "; mint makes no link to it until it answers"
			} else {
				c.Wrong += fmt.Sprintf("; mint does not know that, and makes links to it: %v", err)
			}
			found = append(found, c)
		}
	}
	return found
}

// base asks one base of links.
func (l LinkDomains) base(ctx context.Context, base string) []operator.Complaint {
	ctx, cancel := context.WithTimeout(ctx, domainPatience)
	defer cancel()
	err := domain.Ask(ctx, l.HTTP, base)
	if err == nil {
		return nil
	}
	return []operator.Complaint{{
		Wrong: fmt.Sprintf("links lead to %s, which does not answer as ours: %v", base, err),
		Next:  "name the brand under `domains` in infra/environments.yaml and make deploy ENV=…, or make the domain's DNS record: infra/DEPLOY.md, \"Domains\"",
	}}
}

func (l LinkDomains) tools(ctx context.Context, base string) []operator.Complaint {
	ctx, cancel := context.WithTimeout(ctx, domainPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+names.RouteCheck, http.NoBody)
	status := 0
	if err == nil {
		var resp *http.Response
		if resp, err = l.HTTP.Do(req); err == nil {
			status, err = resp.StatusCode, resp.Body.Close()
		}
	}
	if err == nil && status == http.StatusUnauthorized {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("it answers a call without a key with status %d", status)
	}
	return []operator.Complaint{{
		Wrong: fmt.Sprintf("the tools' API does not answer at %s: %v", base, err),
		Next:  "make the DNS record of `toolsDomain`, or look at `aws lambda get-function --function-name …-check`: infra/DEPLOY.md, \"Domains\"",
	}}
}
