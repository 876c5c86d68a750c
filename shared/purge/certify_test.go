package purge_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// memoryCertificates keeps certificates and signs with a key of its own.
type memoryCertificates struct {
	key    *ecdsa.PrivateKey
	sealed map[string]certificate.Sealed
}

func (m *memoryCertificates) Sign(_ context.Context, digest []byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, m.key, digest)
}

func (m *memoryCertificates) Store(_ context.Context, class, run string, s certificate.Sealed) error {
	m.sealed[class+"/"+run] = s
	return nil
}

func TestEveryRunEndsInACertificateOfOneChain(t *testing.T) {
	h := newHouse(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	kept := &memoryCertificates{key: key, sealed: map[string]certificate.Sealed{}}
	c := purge.Certifier{Runs: h.Runs, Signer: kept, Certificates: kept, CodeVersion: "v1"}
	previous := ""
	for _, id := range []string{"run-1", "run-2"} {
		h.put(retention.Record{ID: id, Subject: subject(1), Start: due})
		if err := h.run(h.Stores, id); err != nil {
			t.Fatal(err)
		}
		run := purge.Run{Class: h.class.Name, ID: id, StartedAt: cutoff, Cutoff: cutoff, PolicyHash: h.policy.Hash(), PlanHash: "p", Planned: 1}
		run, err := c.Certify(t.Context(), h.class, run, certificate.Completed, h.account(id), cutoff.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		got, err := certificate.Verify(kept.sealed["messaging/"+id], certificate.EncodePublicKey(der))
		if err != nil {
			t.Fatal(err)
		}
		want := certificate.Certificate{
			Run: id, Class: "messaging", Outcome: certificate.Completed, PlanHash: "p", PolicyHash: h.policy.Hash(),
			Cutoff: cutoff, StartedAt: cutoff, EndedAt: cutoff.Add(time.Minute), Counts: certificate.Counts{Due: 1, Deleted: 1},
			Proof: "index", KeysHead: certificate.Head([]string{"messaging/" + id}), Previous: previous,
			BackupGoneOn: "2026-11-30", CodeVersion: "v1", TZData: retention.Fingerprint(h.class.Location()),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("certificate (-want +got):\n%s", diff)
		}
		previous = run.Certificate
		again, err := c.Certify(t.Context(), h.class, run, certificate.Failed, purge.Account{}, cutoff)
		if err != nil || again.Outcome != certificate.Completed {
			t.Errorf("certified again: outcome %s, error %v", again.Outcome, err)
		}
	}
}
