"""Takes stille's webhooks and writes each opt-out and release into a CRM's table.

    STILLE_WEBHOOK_SECRET=whsec_... python3 crm_receiver.py crm.sqlite 8080

It needs nothing but Python. It listens on the loopback address: a proxy in front
of it ends TLS. A contact is suppressed in a scope while a row for the contact's key
and the scope, or a scope above it, has suppressed = 1.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from contextlib import closing
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_BODY = 64 * 1024
STALE_SECONDS = 5 * 60
ACTIONS = {"contact.suppressed": 1, "contact.released": 0}

TABLE = """CREATE TABLE IF NOT EXISTS optouts (
    key TEXT, scope TEXT, reason TEXT, channel TEXT, address TEXT, suppressed INTEGER, at TEXT, version INTEGER,
    PRIMARY KEY (key, scope, reason))"""

# Calls may be repeated and may overtake each other: the higher version stands.
CHANGE = """INSERT INTO optouts VALUES (:key, :scope, :reason, :channel, :address, :suppressed, :at, :version)
    ON CONFLICT (key, scope, reason) DO UPDATE SET suppressed = excluded.suppressed, at = excluded.at,
        version = excluded.version, address = coalesce(excluded.address, address)
    WHERE excluded.version > version"""


def is_genuine(headers: Message, body: bytes, secret: str, now: float) -> bool:
    """Tells whether the holder of the secret signed this call, a moment ago."""
    call, stamp = headers.get("webhook-id") or "", headers.get("webhook-timestamp") or ""
    if not call or not stamp.isascii() or not stamp.isdigit() or abs(now - int(stamp)) > STALE_SECONDS:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{call}.{stamp}.".encode() + body, hashlib.sha256).digest()
    want = "v1," + base64.b64encode(signed).decode()
    # While a secret is replaced, each of the two has a signature.
    given = (headers.get("webhook-signature") or "").split()
    return any(hmac.compare_digest(one.encode(), want.encode()) for one in given)


def store(database: str, event: dict[str, Any]) -> None:
    """Writes the change. It is durable once store returns."""
    if event["type"] not in ACTIONS:
        return  # webhook.test, and what later versions send
    row = {"address": None, **event["data"], "suppressed": ACTIONS[event["type"]]}
    with closing(sqlite3.connect(database)) as crm, crm:
        crm.execute(TABLE)
        crm.execute(CHANGE, row)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 once a change is stored, and 401 without a valid signature."""

    timeout = 10
    database: str
    secret: str

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MOST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body, self.secret, time.time()):
            self.send_error(401)
            return
        store(self.database, json.loads(body))  # after an error stille calls again
        self.send_response(204)
        self.end_headers()


def main() -> None:
    Receiver.database, port = sys.argv[1], int(sys.argv[2])
    Receiver.secret = os.environ["STILLE_WEBHOOK_SECRET"]
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
