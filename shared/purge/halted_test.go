package purge_test

import (
	"errors"
	"testing"
	"time"

	"stille/shared/purge"
)

const (
	starter  = "arn:aws:iam::111122223333:user/starter"
	approver = "arn:aws:iam::111122223333:user/approver"
)

func TestOnlyFreshPlanApprovedByAnotherMayRun(t *testing.T) {
	halted := time.Date(2026, 11, 15, 3, 30, 0, 0, time.UTC)
	last := halted.Add(7 * 24 * time.Hour)
	plan := purge.HaltedPlan{PolicyHash: "p", HaltedAt: halted, StartedBy: starter, ApprovedBy: approver}
	for name, c := range map[string]struct {
		change        func(*purge.HaltedPlan)
		policy        string
		now           time.Time
		approve, runs error
	}{
		"approved in time":          {func(*purge.HaltedPlan) {}, "p", last, nil, nil},
		"started by a schedule":     {func(p *purge.HaltedPlan) { p.StartedBy = "" }, "p", last, nil, nil},
		"started by any text":       {func(p *purge.HaltedPlan) { p.StartedBy = "me" }, "p", last, nil, nil},
		"a moment too late":         {func(*purge.HaltedPlan) {}, "p", last.Add(1), purge.ErrPlanTooOld, purge.ErrPlanTooOld},
		"approved by its starter":   {func(p *purge.HaltedPlan) { p.StartedBy = approver }, "p", last, purge.ErrOwnApproval, purge.ErrOwnApproval},
		"not approved":              {func(p *purge.HaltedPlan) { p.ApprovedBy = "" }, "p", last, nil, purge.ErrNotApproved},
		"until done, weeks ago":     {func(p *purge.HaltedPlan) { p.UntilDone, p.ApprovedAt = true, last }, "p", last.AddDate(0, 1, 0), purge.ErrPlanTooOld, nil},
		"until done, too late":      {func(p *purge.HaltedPlan) { p.UntilDone, p.ApprovedAt = true, last.Add(1) }, "p", last.Add(1), purge.ErrPlanTooOld, purge.ErrPlanTooOld},
		"until done, other policy":  {func(p *purge.HaltedPlan) { p.UntilDone, p.ApprovedAt = true, last }, "q", last, nil, purge.ErrOtherPlanPolicy},
		"until done, not approved":  {func(p *purge.HaltedPlan) { p.UntilDone, p.ApprovedBy = true, "" }, "p", last, nil, purge.ErrNotApproved},
		"planned by another policy": {func(*purge.HaltedPlan) {}, "q", last, nil, purge.ErrOtherPlanPolicy},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan
			c.change(&p)
			if err := p.MayApprove(approver, c.now); !errors.Is(err, c.approve) {
				t.Errorf("may approve: %v, want %v", err, c.approve)
			}
			if err := p.MayRun(c.policy, c.now); !errors.Is(err, c.runs) {
				t.Errorf("may run: %v, want %v", err, c.runs)
			}
		})
	}
}

func user(name string) string { return "arn:aws:iam::111122223333:user/" + name }

func session(role, name string) string {
	return "arn:aws:sts::111122223333:assumed-role/" + role + "/" + name
}

const sso = "AWSReservedSSO_Operators_0123456789abcdef"

func TestStarterAndApproverAreTwoPersons(t *testing.T) {
	const root, otherAccount = "arn:aws:iam::111122223333:root", "arn:aws:sts::444455556666:assumed-role/admin/"
	for _, c := range []struct {
		started, approves string
		want              error
	}{
		{user("kari"), user("ola"), nil},
		{user("kari"), user("kari"), purge.ErrOwnApproval},
		{user("kari"), user("Kari"), purge.ErrOwnApproval},
		{user("kari"), user("team/kari"), purge.ErrOwnApproval},
		{user("kari"), session("admin", "kari"), purge.ErrOwnApproval},
		{session("admin", "kari"), session("admin", "ola"), nil},
		{session("admin", "kari"), session("admin", "kari"), purge.ErrOwnApproval},
		{session("admin", "kari"), session("operator", "kari"), purge.ErrOwnApproval},
		{session(sso, "kari@example.no"), session("AWSReservedSSO_Admins_fedcba9876543210", "kari@example.no"), purge.ErrOwnApproval},
		{session(sso, "kari@example.no"), session(sso, "ola@example.no"), nil},
		{session(sso, "100200300400"), session(sso, "100200300401"), nil},
		{session("admin", "kari"), otherAccount + "kari", purge.ErrOwnApproval},
		{session("admin", "kari"), otherAccount + "ola", nil},
		{session("admin", "botocore-session-1700000000"), session("admin", "kari"), purge.ErrOwnApproval},
		{session("admin", "botocore-session-1700000000"), session("operator", "kari"), nil},
		{session("admin", "botocore-session-1700000000"), otherAccount + "kari", nil},
		{root, root, purge.ErrOwnApproval},
		{user("kari"), root, nil},
		{root, user("kari"), nil},
		{"", root, nil},
		{"", session(sso, "kari@example.no"), nil},
		{"arn:aws-cn:iam::111122223333:user/kari", "arn:aws-cn:sts::111122223333:assumed-role/admin/kari", purge.ErrOwnApproval},
		{"arn:aws:sts::111122223333:federated-user/kari", user("kari"), purge.ErrOwnApproval},
		{"arn:aws:sts::111122223333:federated-user/kari", "arn:aws:sts::111122223333:federated-user/ola", nil},
	} {
		err := purge.HaltedPlan{StartedBy: c.started}.MayApprove(c.approves, time.Time{})
		if !errors.Is(err, c.want) {
			t.Errorf("%q starts, %q approves: %v, want %v", c.started, c.approves, err, c.want)
		}
	}
}

func TestOnlyChosenNameMayApprove(t *testing.T) {
	for _, name := range []string{
		"kari", "Kari.Nordmann", "kari@example.no", "kari-2", "kari=ops,oslo", "nils90", "e123456", "awa", "ibrahim", "de-facto",
	} {
		if err := (purge.HaltedPlan{}).MayApprove(session("admin", name), time.Time{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, arn := range []string{
		session("admin", "botocore-session-1700000000"), session("admin", "aws-go-sdk-1700000000000000000"), session("admin", "aws-sdk-js-1700000000000"),
		session("admin", "aws-sdk-java-1700000000000"), session("admin", "AWSCLI-Session"), session("admin", "aws-dotnet-sdk-session-638360000"),
		session("admin", "1700000000"), session("admin", "1700000000000000000"), session("admin", "i-0abc1234def567890"), session("admin", "i-0abcdef1"),
		session("admin", "mi-0123456789abcdef0"), session("admin", "6f1d1e9c-3f0f-4a53-9d8b-2f6a3e0d7c11"), session("admin", "kari-6f1d1e9c-3f0f-4a53-9d8b-2f6a3e0d7c11"),
		session("admin", "0123456789abcdef0123456789abcdef"), session("admin", "default_session"), session("admin", "web-identity-token-1700000000000"),
		session("admin", "assume-role-from-profile-ops"), session("admin", "GitHubActions"), session("admin", "AWSCodeBuild-1"), session("admin", "12345"),
		session("admin", "jkGq8ZbXv2Lr9TqPw4Ns"), session("stille-purgeplanrole1A2B3C4D-XYZ", "stille-purge-plan"), session("report-role-a1b2c3d4", "report"),
		session("Ops-ReportServiceRole1A2B-XYZ", "Ops-Report"), session("nightly", "nightly"),
		"", "kari", "arn:aws:iam::111122223333:role/admin", "arn:aws:iam::111122223333:user/", "arn:aws:sts::111122223333:assumed-role/admin",
		"arn:aws:s3:::user/kari", "arn:aws:sts::111122223333:assumed-role//kari", "arn:aws:iam::111122223333:user", "arn:aws:iam::111122223333:root/kari",
		"arn:aws:sts::111122223333:federated-user", "arn:aws:sts::111122223333:federated-user/a/kari", "arn:aws:sts::111122223333:assumed-role/a/b/kari",
	} {
		if err := (purge.HaltedPlan{}).MayApprove(arn, time.Time{}); !errors.Is(err, purge.ErrUnnamed) {
			t.Errorf("%q: %v", arn, err)
		}
	}
}
