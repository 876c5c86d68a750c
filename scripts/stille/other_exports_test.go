package main

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
)

// utf16Of writes a text as Excel's "Unicode text".
func utf16Of(text string) string {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

func TestOtherExportsAreTaken(t *testing.T) {
	const anne, bo, ci, di, number = "anne@x.example", "bo@x.example", "ci@x.example", "di@x.example", "+4791200102"
	const clicked, day, now = "2023-11-02T09:13:22Z", "2023-11-02T22:59:59Z", "2026-11-22T03:00:00Z"
	cases := map[string]struct {
		file, content, flags string
		want                 map[string]string // why and since when they are suppressed; "" where they are not
	}{
		"Mailchimp in Norwegian": {
			"a.csv", "E-postadresse,Fornavn,Sjef,UNSUB_TIME,UNSUB_REASON,LEID,EUID\nanne@x.example,A,bo@x.example,2023-11-02 09:13:22,NORMAL,1,a\n", "",
			map[string]string{anne: "unsubscribed " + clicked, bo: ""},
		},
		"Klaviyo": {
			"a.csv", "Email,First Name,Phone Number,Suppressed At,Suppression Reason\nanne@x.example,A,+4791200102,2023-11-02T09:13:22+00:00,UNSUBSCRIBE\n" +
				"bo@x.example,B,,2023-11-02 09:13:22,HARD_BOUNCE\nci@x.example,C,,2023-11-02 09:13:22,SPAM_COMPLAINT\ndi@x.example,D,,2023-11-02 09:13:22,USER_SUPPRESSED\n", "",
			map[string]string{anne: "unsubscribed " + clicked, bo: "hard-bounce " + clicked, ci: "complaint " + clicked, di: "manual " + clicked, number: ""},
		},
		"Brevo": {
			"a.csv", "email,blocked_at,reason\nanne@x.example,2023-11-02T10:13:22.000+01:00,unsubscribedViaEmail\nbo@x.example,2023-11-02T10:13:22.000+01:00,hardBounce\n" +
				"ci@x.example,2023-11-02T10:13:22.000+01:00,contactFlaggedAsSpam\ndi@x.example,2023-11-02T10:13:22.000+01:00,adminBlocked\n", "",
			map[string]string{anne: "unsubscribed " + clicked, bo: "hard-bounce " + clicked, ci: "complaint " + clicked, di: "manual " + clicked},
		},
		"Brevo's API": {
			"a.json", `{"count":1,"contacts":[{"email":"anne@x.example","senderEmail":"","reason":{"code":"hardBounce","message":"x"},"blockedAt":"2023-11-02T09:13:22Z"}]}`, "",
			map[string]string{anne: "hard-bounce " + clicked},
		},
		"Postmark's API": {
			"a.json", `{"Suppressions":[{"EmailAddress":"anne@x.example","SuppressionReason":"ManualSuppression","Origin":"Recipient","CreatedAt":"2023-11-02T09:13:22Z"}]}`, "",
			map[string]string{anne: "unsubscribed " + clicked},
		},
		"a day of cancelling": {"a.csv", "email,cancelled,created\nanne@x.example,2023-11-02 10:13:22,2020-01-01\n", "", map[string]string{anne: "imported " + clicked}},
		"SendGrid's groups":   {"a.csv", "email,created_at,group_id,group_name\nanne@x.example,1698916402,12,News\n", "", map[string]string{anne: "unsubscribed " + clicked}},
		"a day on which somebody cancelled": {
			"a.csv", "Email,First Name,Cancelled at\nanne@x.example,A,2023-11-02\n", "", map[string]string{anne: "imported " + day},
		},
		"a German time of day":  {"a.csv", "E-Mail;Abmeldedatum\nanne@x.example;02.11.2023 10:13:22 Uhr\n", "", map[string]string{anne: "imported " + clicked}},
		"a Finnish time of day": {"a.csv", "email;since\nanne@x.example;2.11.2023 klo 10.13.22\n", "", map[string]string{anne: "imported " + clicked}},
		"a tab for Excel":       {"a.csv", "sep=\t\nEmail\tReason\nanne@x.example\tUnsubscribed\n", "", map[string]string{anne: "unsubscribed " + now}},
		"a quoted separator":    {"a.csv", "\"sep=;\"\nEmail;Reason\nanne@x.example;Unsubscribed\n", "", map[string]string{anne: "unsubscribed " + now}},
		"UTF-16 with tabs":      {"a.txt", utf16Of("Email\tReason\nanne@x.example\tUnsubscribed\n"), "", map[string]string{anne: "unsubscribed " + now}},
		"rows without their empty last cells": {
			"a.csv", "Email;Reason;Unsubscribed on\nanne@x.example;unsubscribed;2023-11-02\nbo@x.example;unsubscribed\nci@x.example\n", "",
			map[string]string{anne: "unsubscribed " + day, bo: "unsubscribed " + now, ci: "imported " + now},
		},
		"zeros": {
			"a.csv", "Email,Reason\nanne@x.example\x00,unsub\x00scribed\n\x00bo@x.example,unsubscribed\x00\n", "", map[string]string{anne: "unsubscribed " + now, bo: "unsubscribed " + now},
		},
		"a comma in a cell": {
			"a.csv", "Email,Reason\n\"anne@x.example, \",unsubscribed\n\";bo@x.example\",unsubscribed\n", "", map[string]string{anne: "unsubscribed " + now, bo: "unsubscribed " + now},
		},
		"formulas and guards": {
			"a.csv", "Email,Phone,Reason\n=\"anne@x.example\",=\"+4791200102\",unsubscribed\n'bo@x.example,,unsubscribed\nmailto:ci@x.example,,unsubscribed\nDi <di@x.example>,,unsubscribed\n", "",
			map[string]string{anne: "unsubscribed " + now, number: "unsubscribed " + now, bo: "unsubscribed " + now, ci: "unsubscribed " + now, di: "unsubscribed " + now},
		},
		"a day in a column of opt-outs": {
			"a.csv", "Email,Subscribed,Unsubscribed,Unsub campaign\nanne@x.example,2020-01-01 10:00:00,2023-11-02 10:13:22,45000\n", "", map[string]string{anne: "imported " + clicked},
		},
		"a day in Danish":      {"a.csv", "Email;Afmeldt\nanne@x.example;02-11-2023 10.13.22\nbo@x.example;13-11-2023 10:13\n", "", map[string]string{anne: "imported " + clicked}},
		"a day in Lithuanian":  {"a.csv", "El. pa\u0161tas;Atsisakyta\nanne@x.example;2023 m. lapkri\u010dio 2 d. 10:13:22\n", "", map[string]string{anne: "imported " + clicked}},
		"a zone in brackets":   {"a.csv", "email,unsubscribed_at\nanne@x.example,2023-11-02 09:13:22 (UTC)\n", "", map[string]string{anne: "imported " + clicked}},
		"a number of opt-outs": {"a.csv", "Email,Unsubscribes\nanne@x.example,45000\n", "", map[string]string{anne: "imported " + now}},
		"a date of consent":    {"a.csv", "Email,Opted in at\nanne@x.example,2023-11-02\n", "", map[string]string{anne: "imported " + now}},
		"a mobile number that lost its plus": {
			"a.csv", "Email,Phone\n,4915112345678\n", "--region DE", map[string]string{"+4915112345678": "imported " + now},
		},
		"a list of everybody": {
			"a.csv", "Email,Status\nanne@x.example,Unsubscribed\nbo@x.example,Subscribed\nci@x.example,Cleaned\n", "--map Status=status",
			map[string]string{anne: "imported " + now, bo: "", ci: "imported " + now},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			m.run(t, append([]string{"import", fileOf(t, c.file, c.content), "--scope", "acme"}, strings.Fields(c.flags)...)...).ended(t, exitDone)
			got := map[string]string{}
			for address := range c.want {
				d := decisionOf(t, m, contact.Channel(channelOfText(address)), address, "acme")
				got[address] = ""
				if !d.Send {
					got[address] = d.Reason + " " + d.Since.UTC().Format("2006-01-02T15:04:05Z")
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("suppressed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImportAsksAboutPeopleWhoAreSubscribed(t *testing.T) {
	for name, c := range map[string]struct{ content, column string }{
		"active among others who are unsubscribed": {"Email,Status\nanne@x.example,Unsubscribed\nbo@x.example,Active\n", "Status"},
		"an answer to an opt-out":                  {"Email,Opted out of all email\nanne@x.example,TRUE\nbo@x.example,FALSE\n", "Opted out of all email"},
		"a Norwegian answer":                       {"E-post;Avmeldt fra alt\nanne@x.example;Ja\nbo@x.example;Nei\n", "Avmeldt fra alt"},
		"whether, where others say when":           {"E-post;Avmeldt\nanne@x.example;Ja\nbo@x.example;Nei\n", "Avmeldt"},
		"accepted":                                 {"Customer ID,Email,Accepts Email Marketing\n1,anne@x.example,no\n2,bo@x.example,yes\n", "Accepts Email Marketing"},
		"a yes of a shop":                          {"email,marketing_opt_in\nanne@x.example,0\nbo@x.example,1\n", "marketing_opt_in"},
		"subscribed or not":                        {"email,email_subscribe\nanne@x.example,unsubscribed\nbo@x.example,opted_in\n", "email_subscribe"},
		"reserved against e-mail":                  {"Kontakt;E-post;Reservert mot e-post\nA;anne@x.example;Ja\nB;bo@x.example;Nei\n", "Reservert mot e-post"},
		"a Danish consent":                         {"Email;Samtykke\nanne@x.example;Nej\nbo@x.example;Ja\n", "Samtykke"},
		"a Norwegian permission":                   {"E-post;Masse-e-post\nanne@x.example;Ikke tillat\nbo@x.example;Tillat\n", "Masse-e-post"},
		"allowed":                                  {"Email,Bulk mail\nanne@x.example,Do Not Allow\nbo@x.example,Allow\n", "Bulk mail"},
	} {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			file := fileOf(t, "a.csv", c.content)
			got := m.run(t, "import", file, "--scope", "acme").ended(t, exitUsage)
			if !strings.Contains(got.errors, "--ignore-column \""+c.column+"\"") {
				t.Errorf("it says %s", got.errors)
			}
			m.run(t, "import", file, "--scope", "acme", "--map", c.column+"=status").ended(t, exitDone)
			if anne, bo := decisionOf(t, m, contact.Email, "anne@x.example", "acme"), decisionOf(t, m, contact.Email, "bo@x.example", "acme"); anne.Send || !bo.Send {
				t.Errorf("anne %v, bo %v", anne.Send, bo.Send)
			}
		})
	}
	m := inMemory(t)
	m.run(t, "import", fileOf(t, "b.csv", "Email,VIP,Newsletter\nanne@x.example,no,active\n"), "--scope", "acme").ended(t, exitDone)
	m = inMemory(t)
	file := fileOf(t, "a.csv", "Email,State\nanne@x.example,Unsubscribed\nbo@x.example,Opted-in\n")
	got := m.run(t, "import", file, "--scope", "acme").ended(t, exitUsage)
	if !strings.Contains(got.errors, `say --map "State=status" or --ignore-column "State"`) {
		t.Errorf("it says %s", got.errors)
	}
	m.run(t, "import", file, "--scope", "acme", "--ignore-column", "State").ended(t, exitDone)
	if d := decisionOf(t, m, contact.Email, "bo@x.example", "acme"); d.Send {
		t.Error("a row is left out")
	}
	m.run(t, "scrub", file, "--scope", "acme").ended(t, exitDone)
}

func TestImportAsksForTheScopeThatNoColumnNames(t *testing.T) {
	for content, want := range map[string]struct {
		code int
		says string
	}{
		"email\nanne@x.example\n":            {exitUsage, "say --scope, as there is more than one brand: acme, acme/newsletter, globex, or * for all"},
		"email,scope\nanne@x.example,\n":     {exitFailed, "scope: missing, and --scope is not given"},
		"email,scope\nanne@x.example,acme\n": {exitDone, ""},
	} {
		got := inMemory(t).run(t, "import", fileOf(t, "a.csv", content)).ended(t, want.code)
		if !strings.Contains(got.out+got.errors, want.says) {
			t.Errorf("it says %s%s", got.out, got.errors)
		}
	}
}
