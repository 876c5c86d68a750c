//go:build stack

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

// sdkHears is what each SDK's program prints: a new person may be sent to, says
// no, says yes again, and gets a mail.
const sdkHears = "true\ntrue\nfalse objection acme\ntrue\ntrue\nsent\n"

const pythonSDK = `
import os, boto3
from datetime import datetime, timezone
from stille import Client
from stille.ses import Sender

client = Client(os.environ["STILLE_API"], os.environ["STILLE_KEY"], timeout=60.0)
kari = ("email", os.environ["STILLE_PERSON"])
say = lambda *words: print(*[str(word).lower() if isinstance(word, bool) else word for word in words])
say(client.may_send(*kari, scope="acme"))
say(client.suppress(scope="acme", reason="objection", contacts=[kari], note="ticket-81")[0].suppressed)
result = client.check(scope="acme", contacts=[kari])[0]
say(result.send, result.reason, result.scope)
say(client.release(scope="acme", contacts=[kari], consented_at=datetime.now(timezone.utc), evidence="form-17")[0].released)
say(client.may_send(*kari, scope="acme"))
sender = Sender(client, boto3.client("sesv2"), scope="acme", configuration_set="stille", lang="nb")
content = {"Simple": {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "{{unsubscribeUrl}}"}}}}
outcome = sender.send(FromEmailAddress="news@acme.example", Destination={"ToAddresses": [kari[1]]}, Content=content)[0]
say("sent" if outcome else f"{outcome.reason} {outcome.detail}")
`

const typescriptSDK = `
const { Client, Sender } = require("stille");
const { SESv2 } = require("@aws-sdk/client-sesv2");

(async () => {
  const client = new Client(process.env.STILLE_API, process.env.STILLE_KEY, { timeout: 60000 });
  const kari = { channel: "email", address: process.env.STILLE_PERSON };
  const [scope, contacts] = ["acme", [kari]];
  console.log(await client.maySend(kari.channel, kari.address, { scope }));
  console.log((await client.suppress({ scope, reason: "objection", contacts, note: "ticket-81" }))[0].suppressed);
  const [result] = await client.check({ scope, contacts });
  console.log(result.send, result.reason, result.scope);
  console.log((await client.release({ scope, contacts, consentedAt: new Date(), evidence: "form-17" }))[0].released);
  console.log(await client.maySend(kari.channel, kari.address, { scope }));
  const sender = new Sender(client, new SESv2(), { scope, configurationSet: "stille", lang: "nb" });
  const Content = { Simple: { Subject: { Data: "News" }, Body: { Text: { Data: "{{unsubscribeUrl}}" } } } };
  const [outcome] = await sender.send({ FromEmailAddress: "news@acme.example", Destination: { ToAddresses: [kari.address] }, Content });
  console.log(outcome.sent ? "sent" : outcome.reason + " " + outcome.detail);
})();
`

func TestTheSDKsWorkWithTheDeployedStack(t *testing.T) {
	s := tellNew(t, new(strings.Builder))
	if _, err := emulatedSES(s).CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("acme.example")}); err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(deployed.root, ".local", "sdk")
	linked := filepath.Join(t.TempDir(), "stille")
	if err := os.Symlink(filepath.Join(deployed.root, "shared", "sdk", "typescript"), linked); err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]struct{ command, script string }{
		"python":     {filepath.Join(tools, "venv", "bin", "python"), pythonSDK},
		"typescript": {"node", typescriptSDK},
	} {
		run := exec.CommandContext(t.Context(), program.command, "-")
		run.Stdin = strings.NewReader(program.script)
		run.Env = append(os.Environ(), "STILLE_API="+s.stack.API, "STILLE_KEY="+s.stack.APIKey, "STILLE_PERSON="+name+"."+s.id+"@example.no",
			"AWS_ENDPOINT_URL="+s.stack.Endpoint, "AWS_REGION="+s.stack.Region, "AWS_DEFAULT_REGION="+s.stack.Region,
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
			"PYTHONPATH="+filepath.Join(deployed.root, "shared", "sdk", "python"), "PYTHONDONTWRITEBYTECODE=1",
			"NODE_PATH="+filepath.Dir(linked)+":"+filepath.Join(tools, "npm", "node_modules"), "NODE_NO_WARNINGS=1")
		if out, err := run.Output(); err != nil || string(out) != sdkHears {
			t.Errorf("%s: error %v\n%s", name, err, out)
		}
	}
	if got := goSDK(t, s); got != sdkHears {
		t.Errorf("go:\n%s", got)
	}
}

func emulatedSES(s *story) *sesv2.Client {
	return sesv2.New(sesv2.Options{
		BaseEndpoint: &s.stack.Endpoint, Region: s.stack.Region, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// goSDK does in Go what the other programs do.
func goSDK(t *testing.T, s *story) string {
	t.Helper()
	ctx := t.Context()
	c, err := client.New(s.stack.API, s.stack.APIKey, client.WithTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	kari := []client.Contact{{Channel: client.Email, Address: "go." + s.id + "@example.no"}}
	var heard strings.Builder
	fmt.Fprintln(&heard, c.MaySend(ctx, client.Email, kari[0].Address, "acme"))
	stopped, err := c.Suppress(ctx, client.OptOut{Scope: "acme", Reason: "objection", Note: "ticket-81", Contacts: kari})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&heard, stopped[0].Suppressed)
	checked, err := c.Check(ctx, client.Question{Scope: "acme", Contacts: kari})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&heard, checked[0].MaySend(), checked[0].Reason, checked[0].Scope)
	lifted, err := c.Release(ctx, client.Consent{Scope: "acme", ConsentedAt: time.Now(), Evidence: "form-17", Contacts: kari})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&heard, lifted[0].Released)
	fmt.Fprintln(&heard, c.MaySend(ctx, client.Email, kari[0].Address, "acme"))
	sender := sesmail.Sender{API: c, Scope: "acme", ConfigurationSet: "stille", Lang: "nb", SES: emulatedSES(s)}
	outcomes, err := sender.Send(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("news@acme.example"),
		Destination:      &types.Destination{ToAddresses: []string{kari[0].Address}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("News")}, Body: &types.Body{Text: &types.Content{Data: aws.String("{{unsubscribeUrl}}")}},
		}},
	})
	switch {
	case err != nil:
		t.Fatal(err)
	case outcomes[0].Sent:
		fmt.Fprintln(&heard, "sent")
	default:
		fmt.Fprintln(&heard, outcomes[0].Reason, outcomes[0].Detail)
	}
	return heard.String()
}
