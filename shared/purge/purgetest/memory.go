// Package purgetest gives tests of the purge its stores in memory, and the
// suites that the stores in memory and the real ones must pass.
package purgetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"stille/shared/purge"
)

// Memory is a purge.Manifest in memory. The zero value is ready for use.
type Memory struct {
	mu    sync.Mutex
	pages map[string]*purge.Page
}

var errNoPage = errors.New("the manifest has no such page")

// Begin stores a page.
func (m *Memory) Begin(_ context.Context, class, run, shard string, ids []string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages == nil {
		m.pages = map[string]*purge.Page{}
	}
	name := fmt.Sprintf("%s/%s/%s/%08d", class, run, shard, len(m.pages))
	m.pages[name] = &purge.Page{IDs: slices.Clone(ids)}
	return name, nil
}

// Finish completes a page.
func (m *Memory) Finish(_ context.Context, page string, outcomes map[string]purge.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages[page] == nil {
		return errNoPage
	}
	m.pages[page].Outcomes = maps.Clone(outcomes)
	return nil
}

// Pages returns a shard's pages.
func (m *Memory) Pages(_ context.Context, class, run, shard string) ([]purge.Page, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var pages []purge.Page
	for _, name := range slices.Sorted(maps.Keys(m.pages)) {
		if strings.HasPrefix(name, class+"/"+run+"/"+shard+"/") {
			pages = append(pages, *m.pages[name])
		}
	}
	return pages, nil
}
