"""Plays the caller's part of the sender's cases, through the ordinary client of SES."""

from __future__ import annotations

import base64
import json
import os
import unittest
import urllib.request
from typing import Any

try:
    import boto3
except ImportError:
    boto3 = None

from stille import Client
from stille.ses import Sender

SERVER = os.environ.get("STILLE_VECTORS")
KEY = os.environ.get("STILLE_VECTORS_KEY", "")
FAULTY = 500


def load(path: str) -> Any:
    with urllib.request.urlopen(f"{SERVER}/mail/{path}") as answer:
        return json.load(answer)


def sender(n: int, scope: str = "acme") -> Sender:
    base = f"{SERVER}/mail/{n}"
    ses = boto3.client(
        "sesv2", endpoint_url=base, region_name="eu-north-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    return Sender(Client(base, KEY, retries=0), ses, scope=scope, configuration_set="stille")


@unittest.skipUnless(
    SERVER and boto3, "go test ./shared/sdk/vectorstest starts the server; scripts/setup sdk brings boto3"
)
class TestSender(unittest.TestCase):
    def test_sender_does_what_cases_say(self) -> None:
        for n, case in enumerate(load("cases")):
            with self.subTest(case["name"]):
                message = case["message"]
                if raw := message.get("Content", {}).get("Raw"):
                    raw["Data"] = base64.b64decode(raw["Data"])
                brand = sender(n, case.get("scope") or "acme")
                send = brand.send_bulk if "BulkEmailEntries" in message else brand.send
                outcomes = send(**message)
                assert len(outcomes) == len(case["outcomes"])
                for want, got in zip(case["outcomes"], outcomes, strict=True):
                    assert want.items() <= vars(got).items(), got
                    assert bool(got) == got.sent == (got.message_id is not None)
                    assert "@" not in repr(got)
                seen = load(f"{n}/seen")
                assert seen == {"mails": sum(outcome.sent for outcome in outcomes), "wrong": ""}

    def test_message_without_recipients_is_refused(self) -> None:
        wrong: tuple[Any, ...] = (None, {}, {"ToAddresses": []}, {"ToAddresses": [1]}, "kari@example.no")
        for destination in wrong:
            with self.assertRaises(ValueError):
                sender(0).send(Destination=destination, Content={})

    def test_bulk_without_entries_is_refused(self) -> None:
        wrong: tuple[Any, ...] = (None, [], {}, "kari@example.no")
        for entries in wrong:
            with self.assertRaises(ValueError):
                sender(0).send_bulk(BulkEmailEntries=entries)

    def test_sender_is_for_a_brand(self) -> None:
        for scope, configuration_set in (("", "stille"), ("*", "stille"), ("Acme AS", "stille"), ("acme", "")):
            with self.assertRaises(ValueError):
                Sender(
                    Client("https://a.example", "key"), boto3.client, scope=scope, configuration_set=configuration_set
                )

    def test_no_fault_sends_to_the_silent(self) -> None:
        n = len(load("cases"))
        content = {"Simple": {"Subject": {"Data": "News"}, "Body": {"Text": {"Data": "Hello"}}}}
        faulty = sender(n)
        sent = 0
        template = {"Template": {"TemplateName": "spring", "TemplateData": "{}"}}
        for person in range(FAULTY):
            to = [{"ToAddresses": [f"{'no.' if n % 2 else ''}{n}@example.no"]} for n in range(person, person + 3)]
            if person % 10 < 2:
                entries = [{"Destination": each} for each in to[: 1 + person % 3]]
                sent += sum(map(bool, faulty.send_bulk(DefaultContent=template, BulkEmailEntries=entries)))
            else:
                sent += faulty.send(Destination=to[0], Content=content)[0].sent
        assert load(f"{n}/seen") == {"mails": sent, "wrong": ""}
        assert sent > FAULTY / 20
