"""Plays the client's part of the vectors that all SDKs share."""

from __future__ import annotations

import json
import os
import time
import unittest
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stille import Client, Error

SERVER = os.environ.get("STILLE_VECTORS")
KEY = os.environ.get("STILLE_VECTORS_KEY", "")
LATE = 30  # seconds, on a busy machine; a server that hangs does so for a minute
VECTORS = Path(__file__).parents[2] / "vectorstest" / "vectors.ndjson"


@unittest.skipUnless(SERVER, "go test ./shared/sdk/vectorstest starts the server")
class TestVectors(unittest.TestCase):
    def test_client_does_what_vectors_say(self) -> None:
        vectors = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()]
        with ThreadPoolExecutor(16) as pool:
            faults = list(pool.map(play, vectors, range(len(vectors))))
        for vector, fault in zip(vectors, faults, strict=True):
            with self.subTest(vector["name"]):
                assert fault is None, fault


def play(vector: dict[str, Any], n: int) -> str | None:
    """Make the calls of a vector and return what was wrong."""
    base = f"{SERVER}/{n}"
    timeout = vector.get("timeout", 5000) / 1000
    options = {"retries": vector["retries"]} if "retries" in vector else {}
    client = Client(f"{base}//", KEY, timeout=timeout, **options)
    for call in vector["calls"]:
        began = time.monotonic()
        got, shown = do(client, call["call"], call["with"])
        took = time.monotonic() - began
        if took > timeout + LATE:
            return f"it took {took:.1f} s"
        if any(secret in shown + repr(client) for secret in ("example.no", "912", KEY)):
            return f"it shows an address or the key: {shown}"
        if not fits(call["expect"], got):
            return f"want {call['expect']}, got {got}"
    with urllib.request.urlopen(f"{base}/seen") as answer:
        seen = json.load(answer)
    if seen["wrong"] or vector["requests"] not in (None, seen["requests"]):
        return f"the server saw {seen}"
    return None


def do(client: Client, call: str, given: dict[str, Any]) -> tuple[Any, str]:
    """Make a call; return what came and how it prints."""
    given = dict(given)
    if call == "maySend":
        sent = client.may_send(given["channel"], given["address"], scope=given["scope"])
        return sent, repr(sent)
    contacts = given.pop("contacts")
    if isinstance(contacts, int):
        contacts = [{"channel": "email", "address": f"k{n}@example.no"} for n in range(contacts)]
    given["contacts"] = [tuple(contact.values()) for contact in contacts]
    if "consentedAt" in given:
        given["consented_at"] = given.pop("consentedAt")
    try:
        got = getattr(client, call)(**given)
    except Error as error:
        return "error", f"{error} {error!r} {error.__cause__!r} {error.__context__!r}"
    return [vars(result) for result in got], repr(got)


def fits(expect: Any, got: Any) -> bool:
    if expect == "unavailable":
        expect = {"send": False, "reason": "unavailable"}
    if isinstance(expect, dict):
        return all(fits_one(expect, result) for result in got)
    if isinstance(expect, list):
        return isinstance(got, list) and len(got) == len(expect) and all(map(fits_one, expect, got))
    return bool(expect == got)


def fits_one(expect: dict[str, Any], got: dict[str, Any]) -> bool:
    for name, value in expect.items():
        came = got["basis_until" if name == "basisUntil" else name]
        if name == "since" and came is not None:
            came = came.isoformat().replace("+00:00", "Z")
        if came != value:
            return False
    return True
