package purge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Signer signs a SHA-256 digest (DER, ECDSA P-256).
type Signer interface {
	Sign(ctx context.Context, digest []byte) ([]byte, error)
	// PublicKey returns the public key as a PEM file.
	PublicKey(ctx context.Context) ([]byte, error)
}

// Evidence keeps the proof of each run for years.
type Evidence interface {
	// StoreList keeps the list of a shard of a run.
	StoreList(ctx context.Context, class, run, shard string, list []byte) error
	// Store keeps a run's certificate, once the lists are stored.
	Store(ctx context.Context, class, run string, signed certificate.Signed) error
	// StoreReport keeps the report of an audit beside its certificate.
	StoreReport(ctx context.Context, class, run string, report []byte) error
	// PublishKey keeps a public key beside the others that certificates are verified
	// with. PublicKeys returns them all.
	PublishKey(ctx context.Context, key []byte) error
	PublicKeys(ctx context.Context) ([][]byte, error)
	// Runs returns the runs of a class that have files here.
	Runs(ctx context.Context, class string) ([]string, error)
	// Load's error wraps certificate.ErrNone where the run has no certificate.
	Load(ctx context.Context, class, run string) (certificate.Signed, error)
}

// Certifier ends runs: it reads again what a run claims, and certifies the
// result. It deletes nothing.
type Certifier struct {
	Records  Records
	Manifest Manifest
	Runs     Runs
	Turns    Turns
	Parts    AuditParts
	Signer   Signer
	Evidence Evidence
	// HMAC returns the function that names a deleted record in a certificate's
	// list. It fails if the key cannot be read.
	HMAC        func(ctx context.Context) (func(class, id string) string, error)
	Pause       time.Duration // between two looks at the index
	PolicyHash  string
	CodeVersion string
	Now         func() time.Time
}

// Ended is how a run's steps ended, as reported by the state machine.
type Ended struct {
	Run       string     `json:"run"`
	StartedAt time.Time  `json:"startedAt"`
	Failed    bool       `json:"failed"` // a step failed, so the others may not have begun
	Shards    []ShardEnd `json:"worked"` // where the deletion ran
}

// ShardEnd is how the work of a shard ended. A failed shard does not stop the
// others.
type ShardEnd struct {
	Failed  bool `json:"failed"`
	Stopped bool `json:"stopped"`
	Late    bool `json:"late"` // the run took too long: what is left waits for the next run
}

// Outcome is the outcome of the run according to its steps. Completed holds
// only if the index shows no other due record.
func (e Ended) Outcome(run Run) certificate.Outcome {
	switch {
	case e.Failed || slices.ContainsFunc(e.Shards, func(s ShardEnd) bool { return s.Failed }):
		return certificate.Failed
	case run.Next == NextHalt:
		return certificate.Halted
	case run.Next == NextYield || slices.ContainsFunc(e.Shards, func(s ShardEnd) bool { return s.Stopped }):
		return certificate.Stopped
	case run.Withdrawn:
		return certificate.Halted
	}
	return certificate.Completed
}

// isLimited reports whether the run left due records for the next run.
func (e Ended) isLimited(run Run) bool {
	return run.Shares != nil || slices.ContainsFunc(e.Shards, func(s ShardEnd) bool { return s.Late })
}

// Purge certifies a purge, removes its manifest and unlocks its class. A
// certified run keeps its certificate. The error wraps ErrNoRun for a run
// without a plan that did not fail, or ErrManifestGone. A run whose manifest is
// gone gets no certificate; its class is unlocked once an operator stopped it.
func (c Certifier) Purge(ctx context.Context, class retention.Class, e Ended) (Run, error) {
	run, err := c.Runs.Get(ctx, class.Name, e.Run)
	if errors.Is(err, ErrNoRun) && e.Failed { // the plan itself failed
		run, err = c.failedRun(class, e), nil
	}
	if err != nil {
		return Run{}, err
	}
	if !run.Certified() {
		outcome := e.Outcome(run)
		account, err := c.account(ctx, class, run, outcome, e.isLimited(run))
		if errors.Is(err, ErrManifestGone) && run.StopBy != "" {
			run.Outcome, run.Reasons = certificate.Failed, []string{"its manifest is gone, so it has no certificate"}
			return run, c.Runs.Unlock(ctx, class.Name, run.ID)
		}
		if err != nil {
			return Run{}, err
		}
		if run, err = c.certify(ctx, class, run, outcome, account); err != nil {
			return Run{}, err
		}
	}
	// A function of an earlier run may have begun a page since that run's manifest was
	// removed.
	err = c.Manifest.Remove(ctx, class.Name, func(id string) (bool, error) {
		other, err := c.Runs.Get(ctx, class.Name, id)
		if errors.Is(err, ErrNoRun) {
			return false, nil
		}
		return other.Certified(), err
	})
	if err != nil {
		return Run{}, err
	}
	// Unlock only now: the next run must find the certificate of this run.
	return run, c.Runs.Unlock(ctx, class.Name, run.ID)
}

// endTurn ends the turn of a run that may have deleted. Stopping an execution
// does not stop its functions: only after endTurn no function of the run deletes
// any more, and its deletions can be counted.
func (c Certifier) endTurn(ctx context.Context, class retention.Class, run Run) error {
	if run.Next != NextDelete {
		return nil
	}
	if err := c.Turns.Raise(ctx, class.Name, run.Turn+1); err != nil && !errors.Is(err, ErrLockLost) {
		return err
	}
	opened, err := c.Manifest.Opened(ctx, class.Name, run.ID)
	if err == nil && !opened {
		err = ErrManifestGone
	}
	return err
}

// failedRun is a run without a stored plan.
func (c Certifier) failedRun(class retention.Class, e Ended) Run {
	return Run{Class: class.Name, ID: e.Run, StartedAt: e.StartedAt.UTC(), Cutoff: e.StartedAt.UTC(), PolicyHash: c.PolicyHash}
}

// account is what the run did; for a halted run, what it planned. After a
// failure or a stop the manifest alone counts, and the index is not read.
func (c Certifier) account(ctx context.Context, class retention.Class, run Run, outcome certificate.Outcome, limited bool) (Account, error) {
	if outcome == certificate.Halted && !run.Withdrawn {
		return Account{Counts: certificate.Counts{Due: run.Planned}}, nil
	}
	if err := c.endTurn(ctx, class, run); err != nil {
		return Account{}, err
	}
	hmac, err := c.HMAC(ctx)
	if err != nil {
		return Account{}, err
	}
	keep := func(ctx context.Context, shard string, list []byte) error {
		if before, err := c.Runs.Get(ctx, class.Name, run.ID); err == nil && before.Certified() {
			return errCertified // by another call: its lists must stay
		}
		return c.Evidence.StoreList(ctx, class.Name, run.ID, shard, list)
	}
	verifier := Verifier{Records: c.Records, Manifest: c.Manifest, HMAC: hmac, Keep: keep, Pause: c.Pause, Planned: run.Planned}
	if outcome == certificate.Completed {
		verifier.Missed = Failed
		if limited {
			verifier.Missed = Left
		}
	}
	account, err := verifier.Account(ctx, class, run.ID, run.Cutoff)
	if err == nil && outcome == certificate.Halted { // what the brake halted is left
		account.Counts.Left += max(0, run.Planned-account.Counts.Due)
		account.Counts.Due = max(run.Planned, account.Counts.Due)
	}
	return account, err
}

var errCertified = errors.New("the run was certified meanwhile")

// ErrNoAudit means that the run of this name is a purge.
var ErrNoAudit = errors.New("the run is no audit")

// Audit certifies an audit: it merges the parts of every segment. An audit
// neither takes the class's lock nor frees it. The error wraps ErrNoAudit,
// ErrUnscanned or ErrOtherPolicy.
func (c Certifier) Audit(ctx context.Context, class retention.Class, e Ended) (Run, error) {
	run, err := c.Runs.Get(ctx, class.Name, e.Run)
	switch {
	case errors.Is(err, ErrNoRun):
		run = c.failedRun(class, e)
		run.Audit = true
	case err != nil:
		return Run{}, err
	case !run.Audit:
		return Run{}, ErrNoAudit
	}
	if run.Certified() {
		return run, nil
	}
	outcome := e.Outcome(run)
	var account Account
	if outcome == certificate.Completed {
		if account.Counts, err = c.report(ctx, &run); err != nil {
			return Run{}, err
		}
	}
	return c.certify(ctx, class, run, outcome, account)
}

// report stores the report of an audit. The certificate names the report by its
// hash.
func (c Certifier) report(ctx context.Context, run *Run) (certificate.Counts, error) {
	parts, err := c.Parts.Parts(ctx, run.Class, run.ID)
	if err != nil {
		return certificate.Counts{}, err
	}
	report, err := MakeReport(run.Class, run.ID, run.StartedAt, run.PolicyHash, parts)
	if err != nil {
		return certificate.Counts{}, err
	}
	encoded, err := report.Encode()
	if err != nil {
		return certificate.Counts{}, err
	}
	run.PlanHash, run.Findings = certificate.Hash(encoded), map[string]int{}
	for finding, all := range report.Findings {
		run.Findings[string(finding)] = all.Count
	}
	return report.Counts(), c.Evidence.StoreReport(ctx, run.Class, run.ID, encoded)
}

// chainAttempts is how often a certificate is remade because another run of the
// class was certified in between.
const chainAttempts = 5

// certify seals the run's certificate, stores it and makes it the newest of the
// class's chain. A run that has a certificate keeps it.
func (c Certifier) certify(ctx context.Context, class retention.Class, run Run, outcome certificate.Outcome, account Account) (Run, error) {
	opened := run
	run.Outcome, run.Counts, run.EndedAt = outcome, account.Counts, c.Now().UTC()
	by, err := c.approver(ctx, run)
	if err != nil {
		return run, err
	}
	for range chainAttempts {
		// A repeated step may find the run certified. A run that is not known yet
		// becomes known before its certificate lies in the bucket: see end.
		before, err := c.Runs.Get(ctx, class.Name, run.ID)
		if errors.Is(err, ErrNoRun) {
			before, err = c.Runs.Start(ctx, opened)
		}
		if err != nil {
			return run, err
		}
		if before.Certified() {
			return before, nil
		}
		head, err := c.Runs.Head(ctx, class.Name)
		if err != nil {
			return run, err
		}
		previous, err := c.end(ctx, run, head)
		if err != nil {
			return run, err
		}
		content := c.certificate(class, run, by, account, previous)
		key, err := c.publishKey(ctx, &content)
		if err != nil {
			return run, err
		}
		signed, err := certificate.Seal(content, func(digest []byte) ([]byte, error) {
			return c.Signer.Sign(ctx, digest)
		})
		if err != nil {
			return run, err
		}
		if !signed.IsSignedBy(key) {
			continue // the key was rotated meanwhile
		}
		if err := c.Evidence.Store(ctx, class.Name, run.ID, signed); err != nil {
			return run, err
		}
		run.Certificate = certificate.Hash(signed.JSON)
		err = c.Runs.Certify(ctx, run, head)
		if !errors.Is(err, ErrChainMoved) {
			return run, err
		}
	}
	return run, fmt.Errorf("certifying a purge of %s: %w", class.Name, ErrChainMoved)
}

// certificate is the run's certificate, to follow the previous one.
func (c Certifier) certificate(class retention.Class, run Run, by *certificate.Approver, account Account, previous string) certificate.Certificate {
	proof := ""
	if run.Outcome == certificate.Completed {
		proof = certificate.ProofIndex
		if run.Audit {
			proof = certificate.ProofScan
		}
	}
	return certificate.Certificate{
		Run: run.ID, Class: class.Name, Outcome: run.Outcome, PlanHash: run.PlanHash, PolicyHash: run.PolicyHash,
		ApprovedBy: by, Cutoff: run.Cutoff, StartedAt: run.StartedAt, EndedAt: run.EndedAt, Counts: run.Counts,
		Objects: account.Objects, Lists: account.Lists, Proof: proof, Previous: previous, CodeVersion: c.CodeVersion,
		BackupGoneOn: retention.BackupGoneOn(run.EndedAt).String(),
		TZData:       retention.Fingerprint(class.Location()),
	}
}

// approver is how the certificate names who approved the run; nil for nobody.
func (c Certifier) approver(ctx context.Context, run Run) (*certificate.Approver, error) {
	if run.ApprovedBy == "" {
		return nil, nil //nolint:nilnil // nobody approved it
	}
	hmac, err := c.HMAC(ctx)
	if err != nil {
		return nil, err
	}
	return newApprover(run.ApprovedBy, run.UntilDone, hmac), nil
}

// publishKey keeps the public key, names it in the certificate and returns it.
func (c Certifier) publishKey(ctx context.Context, in *certificate.Certificate) ([]byte, error) {
	key, err := c.Signer.PublicKey(ctx)
	if err != nil {
		return nil, err
	}
	if in.Fingerprint, err = certificate.Fingerprint(key); err != nil {
		return nil, err
	}
	if err := c.Evidence.PublishKey(ctx, key); err != nil {
		return nil, fmt.Errorf("publishing the public key: %w", err)
	}
	return key, nil
}
