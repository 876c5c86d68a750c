// Package purgetest gives tests of the purge its stores in memory, and the
// suites that the stores in memory and the real ones must pass.
package purgetest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// Memory is a purge.Manifest in memory. The zero value is ready for use.
type Memory struct {
	mu     sync.Mutex
	opened map[string]bool // class/run
	begun  int             // number of pages
	pages  map[string]*purge.Page
}

// Open begins the manifest of a run.
func (m *Memory) Open(_ context.Context, class, run string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened == nil {
		m.opened = map[string]bool{}
	}
	m.opened[class+"/"+run] = true
	return nil
}

// Opened reports whether the manifest of a run was opened and not removed.
func (m *Memory) Opened(_ context.Context, class, run string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.opened[class+"/"+run], nil
}

// Remove removes the manifests of the runs that are over.
func (m *Memory) Remove(_ context.Context, class string, isOver func(run string) (bool, error)) error {
	for _, run := range m.Runs(class) {
		over, err := isOver(run)
		if err != nil {
			return err
		}
		if over {
			m.remove(class + "/" + run)
		}
	}
	return nil
}

// Runs are the runs of a class that have a manifest, or pages of a removed one.
func (m *Memory) Runs(class string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	runs := map[string]bool{}
	for _, name := range slices.AppendSeq(slices.Collect(maps.Keys(m.opened)), maps.Keys(m.pages)) {
		if rest, of := strings.CutPrefix(name, class+"/"); of {
			run, _, _ := strings.Cut(rest, "/")
			runs[run] = true
		}
	}
	return slices.Sorted(maps.Keys(runs))
}

func (m *Memory) remove(of string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.opened, of)
	maps.DeleteFunc(m.pages, func(name string, _ *purge.Page) bool { return strings.HasPrefix(name, of+"/") })
}

// Begin stores a page.
func (m *Memory) Begin(_ context.Context, class, run, shard string, ids []string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages == nil {
		m.pages = map[string]*purge.Page{}
	}
	m.begun++
	name := fmt.Sprintf("%s/%s/%s/%08d", class, run, shard, m.begun)
	m.pages[name] = &purge.Page{IDs: slices.Clone(ids)}
	return name, nil
}

// NoteObjects stores the objects of a page. A page that was removed is ignored.
func (m *Memory) NoteObjects(_ context.Context, page string, objects map[string]certificate.Objects) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages[page] != nil {
		m.pages[page].Objects = maps.Clone(objects)
	}
	return nil
}

// Finish completes a page. A page that was removed is ignored.
func (m *Memory) Finish(_ context.Context, page string, outcomes map[string]purge.Outcome) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pages[page] != nil {
		m.pages[page].Outcomes = maps.Clone(outcomes)
	}
	return nil
}

// Pages yields a shard's pages.
func (m *Memory) Pages(_ context.Context, class, run, shard string) iter.Seq2[purge.Page, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var pages []purge.Page
	for _, name := range slices.Sorted(maps.Keys(m.pages)) {
		if strings.HasPrefix(name, class+"/"+run+"/"+shard+"/") {
			pages = append(pages, *m.pages[name])
		}
	}
	return func(yield func(purge.Page, error) bool) {
		for _, page := range pages {
			if !yield(page, nil) {
				return
			}
		}
	}
}
