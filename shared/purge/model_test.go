package purge

import (
	"fmt"
	"slices"

	"stille/shared/certificate"
)

// The model explores every order of the steps of runs that are killed, of their
// functions that live on, of a hold and of an upsert, over one shard with two
// records: a plain one, and one with objects. Outcomes are merged and verified by
// the functions of the purge itself.

// rules are what the promises rest on. A test takes one out after the other.
type rules struct {
	turnChecked  bool // a transaction that deletes is conditional on the turn
	turnEnded    bool // a run's turn ends before its account
	epochChecked bool // a page is conditional on the fence's epoch
	frozen       bool // an upsert does not change a held record
	readFirst    bool // a page of the manifest has only records that existed in the run's turn
	claimChecked bool // an object that one record owns is refused to others until that record is gone
}

const (
	plain   = 0 // the record that the hold is about
	letter  = 1 // the record with objects
	records = 2
	runs    = 2
	pages   = 2 // of a run: of its worker, and of a call that AWS made twice
)

// verdict is an Outcome, in one byte: the states of the model are many.
type verdict int8

const (
	none verdict = iota
	deleted
	held
	changed
	failed
	gone
)

func (v verdict) outcome() Outcome {
	return [...]Outcome{cutOff, Deleted, Held, Changed, Failed, Gone}[v]
}

// modelRecord is a record in the table.
type modelRecord struct {
	there   bool
	version int8
	moved   bool // to a contact without a hold
	mark    int8 // the run that marked it, from 1
	by      int8 // the run that deleted it, from 1
}

// modelPage is a page of a manifest.
type modelPage struct {
	begun, finished bool
	has             [records]bool
	outcomes        [records]verdict
}

// The steps of a worker.
const (
	toLoad int8 = iota
	toBegin
	toReadFence
	toDelete
	toDeleteMarked
	toFinish
	workerEnded
)

// modelWorker is a call of the function that deletes.
type modelWorker struct {
	next     int8
	page     int8
	loaded   [records]modelRecord
	outcomes [records]verdict
	held     bool
	epoch    int8
}

// The steps of an execution.
const (
	toPlan int8 = iota
	toStart
	toWork
	toEndTurn
	toReadManifest
	toReadTable
	toCertify
	toUnlock
	ended
)

// modelRun is a run and its execution.
type modelRun struct {
	next      int8
	killed    bool // the execution; its function lives on
	planned   bool // the plan is stored, so that the run may delete
	turn      int8
	certified bool
	listed    [records]bool // in the certificate

	pages   [pages]modelPage
	workers [pages]modelWorker

	// The account of a run, by this execution: its own, or that of a killed run.
	account  int8
	manifest [pages]modelPage
	found    [records]bool
}

// model is a state of everything.
type model struct {
	records  [records]modelRecord
	runs     [runs]modelRun
	holder   int8 // of the lock, from 1; 0 for none
	lockTurn int8
	turn     int8 // on the fence
	epoch    int8 // of the fence
	hold     int8 // 1: stored, 2: the fence is raised, 3: acknowledged
	promised bool // the acknowledged hold covers the plain record
	upserted bool
	shared   bool // another record, which stays, has the letter's object
	robbed   bool // and lost it
}

// step is a step of one of the actors; nil if the actor cannot take it.
type step func(m model) (model, bool)

// steps lists the steps of all actors by their names.
func (r rules) steps(calls, executions int) map[string]step {
	all := map[string]step{
		"a hold": r.setHold,
		"an upsert moves the record": func(m model) (model, bool) {
			plainly := &m.records[plain]
			if m.upserted || !plainly.there || r.frozen && m.hold > 0 {
				return m, false
			}
			m.upserted, plainly.moved = true, true
			plainly.version++
			return m, true
		},
		"another record names the letter's object": func(m model) (model, bool) {
			if m.shared || r.claimChecked || !m.records[letter].there {
				return m, false
			}
			m.shared = true
			return m, true
		},
	}
	for n := range executions {
		all[fmt.Sprint("run ", n+1)] = func(m model) (model, bool) { return r.execute(m, n) }
		all[fmt.Sprint("somebody kills run ", n+1)] = func(m model) (model, bool) {
			run := &m.runs[n]
			// Before its plan, and after its end, there is nothing to kill.
			if run.killed || run.next == ended || n == executions-1 {
				return m, false
			}
			run.killed = true
			return m, true
		}
		for w := range calls {
			all[fmt.Sprintf("run %d deletes, call %d", n+1, w+1)] = func(m model) (model, bool) { return r.work(m, n, w) }
		}
	}
	return all
}

func (r rules) setHold(m model) (model, bool) {
	switch m.hold {
	case 1:
		m.epoch++
	case 2:
		m.promised = m.records[plain].there && !m.records[plain].moved
	case 3:
		return m, false
	}
	m.hold++
	return m, true
}

// work is the next step of a call that deletes. A call begins while its execution
// is in that step, and then lives on whatever happens.
func (r rules) work(m model, n, w int) (model, bool) {
	run := &m.runs[n]
	worker := &run.workers[w]
	switch worker.next {
	case toLoad: // the index still shows both records
		if run.next != toWork || run.killed {
			return m, false
		}
		worker.loaded, worker.next = m.records, toBegin
		for id, record := range m.records {
			if !record.there {
				worker.outcomes[id] = gone
			}
		}
	case toBegin:
		for run.pages[worker.page].begun {
			worker.page++
		}
		page := &run.pages[worker.page]
		page.begun, worker.next = true, toReadFence
		for id, record := range worker.loaded {
			page.has[id] = record.there || !r.readFirst
		}
	case toReadFence:
		if r.turnChecked && m.turn != run.turn {
			worker.next = workerEnded
			break
		}
		worker.held = m.hold > 0 && !worker.loaded[plain].moved
		worker.epoch, worker.next = m.epoch, toDelete
	case toDelete:
		m.delete(r, int8(n), worker)
	case toDeleteMarked:
		record := &m.records[letter]
		if r.turnChecked && m.turn != run.turn {
			worker.next = workerEnded
			break
		}
		switch {
		case worker.outcomes[letter] != failed:
		case !record.there:
			worker.outcomes[letter] = gone
		case record.mark != int8(n)+1:
			worker.outcomes[letter] = changed
		default:
			*record = modelRecord{by: int8(n) + 1}
			worker.outcomes[letter], m.robbed = deleted, m.shared
		}
		worker.next = toFinish
	case toFinish:
		page := &run.pages[worker.page]
		page.finished, page.outcomes = true, worker.outcomes
		worker.next = workerEnded
	default:
		return m, false
	}
	return m, true
}

// delete is the transaction of a page.
func (m *model) delete(r rules, n int8, worker *modelWorker) {
	if r.epochChecked && m.epoch != worker.epoch || r.turnChecked && m.turn != m.runs[n].turn {
		worker.next = toReadFence
		return
	}
	for id := range m.records {
		record := &m.records[id]
		switch {
		case worker.outcomes[id] != none:
		case id == plain && worker.held:
			worker.outcomes[id] = held
		case !record.there:
			worker.outcomes[id] = gone
		case record.version != worker.loaded[id].version || record.mark != worker.loaded[id].mark:
			worker.outcomes[id] = changed
		case id == letter:
			record.mark, worker.outcomes[id] = n+1, failed
		default:
			*record = modelRecord{by: n + 1}
			worker.outcomes[id] = deleted
		}
	}
	worker.next = toDeleteMarked
}

// execute is the next step of an execution, or of its function that lives on: an
// execution that was killed calls no other function.
func (r rules) execute(m model, n int) (model, bool) {
	run := &m.runs[n]
	if run.next == ended || run.killed && slices.Contains([]int8{toPlan, toWork, toEndTurn}, run.next) {
		return m, false
	}
	accounted := &m.runs[run.account]
	switch run.next {
	case toPlan:
		return m.plan(int8(n))
	case toStart:
		run.planned, run.next = true, toWork
		if m.turn <= run.turn {
			m.turn = run.turn
		}
	case toWork: // its workers ended, or AWS says so
		run.account, run.next = int8(n), toEndTurn
	case toEndTurn:
		if r.turnEnded && accounted.planned {
			m.turn = max(m.turn, accounted.turn+1)
		}
		run.next = toReadManifest
	case toReadManifest:
		run.manifest, run.next = accounted.pages, toReadTable
	case toReadTable:
		run.found, run.next = m.deletedBy(run.manifest), toCertify
	case toCertify:
		if !accounted.certified {
			accounted.certified, accounted.listed = true, run.found
		}
		run.next = toUnlock
	case toUnlock:
		if m.holder == run.account+1 {
			m.holder = 0
		}
		if run.next = ended; run.account != int8(n) {
			run.next = toPlan
		}
	}
	return m, true
}

// plan takes the lock. The run before begins first, and a run that holds the lock
// and was killed is accounted for first.
func (m model) plan(n int8) (model, bool) {
	run := &m.runs[n]
	if n > 0 && m.runs[n-1].next == toPlan && !m.runs[n-1].killed {
		return m, false
	}
	switch {
	case m.holder == 0:
		m.lockTurn += TurnsOfRun
		m.holder, run.turn, run.next = n+1, m.lockTurn, toStart
	case m.runs[m.holder-1].killed || m.runs[m.holder-1].certified:
		run.account, run.next = m.holder-1, toEndTurn
	default:
		run.next = ended // another run is active
	}
	return m, true
}

// deletedBy are the records that the account of a manifest lists as deleted.
func (m model) deletedBy(manifest [pages]modelPage) [records]bool {
	var found [records]bool
	accounted := part{noted: map[string]*noted{}}
	for _, page := range manifest {
		for id, has := range page.has {
			outcome := cutOff
			if page.finished {
				outcome = page.outcomes[id].outcome()
			}
			if page.begun && has {
				accounted.note(fmt.Sprint(id), outcome, certificate.Objects{})
			}
		}
	}
	for id, noted := range accounted.noted {
		record := m.records[id[0]-'0']
		noted.exists, noted.stillDue, noted.marked = record.there, record.there, record.mark != 0
		found[id[0]-'0'] = noted.verifiedOutcome() == Deleted
	}
	return found
}
