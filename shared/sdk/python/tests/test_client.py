"""What a caller can get wrong, and what a client must not show."""

from __future__ import annotations

import copy
import pickle
import unittest
from datetime import datetime
from typing import Any

from stille import Client, Contact, Link, Result

KEY = "stille_secret"


def client() -> Client:
    return Client("http://127.0.0.1:9", KEY, timeout=1.0, retries=0)


class TestClient(unittest.TestCase):
    def test_client_never_sends_its_key_in_the_clear(self) -> None:
        for base in (
            "https://a.example",
            "https://a.example/stage/",
            "http://127.0.0.1:1",
            "http://localhost",
            "http://[::1]:1",
        ):
            Client(base, KEY)
        wrong: tuple[Any, ...] = (
            *("http://a.example", "http://127.0.0.1.example", "ftp://a.example", "a.example", "", "https://", None, 1),
            *(
                "https://u:p@a.example",
                "https://a.example?k=1",
                "https://a.example#x",
                "https://a.example:x",
                "https://[::1",
            ),
            *("https://a.example/\r\nX: 1", "https://a.example:99999", "http://localhost.example"),
        )
        for base in wrong:
            with self.subTest(base), self.assertRaises(ValueError) as raised:
                Client(base, KEY)
            assert "example" not in str(raised.exception)
            assert raised.exception.__context__ is None

    def test_settings_that_are_none_are_refused(self) -> None:
        settings: tuple[dict[str, Any], ...] = (
            *({"timeout": value} for value in (0, -1, "5", None, float("nan"), float("inf"), True)),
            *({"retries": value} for value in (-1, 1.5, "2", None, True)),
            *({"key": value} for value in ("", "a b", "a\n", "nøkkel", None, b"key")),
        )
        for given in settings:
            with self.subTest(given), self.assertRaises(ValueError):
                Client("https://a.example", **{"key": KEY, **given})

    def test_key_and_addresses_are_not_shown(self) -> None:
        contact = Contact("email", "kari@example.no")
        result = Result(True, None, key="K" * 48)
        shown = f"{client()!r} {client()} {contact!r} {[contact]} {result!r} {Link('https://l.example/e/T')!r}"
        for secret in (KEY, "kari", "KKKK", "/e/T"):
            assert secret not in shown
        for keep in (pickle.dumps, copy.copy, copy.deepcopy):
            with self.assertRaises(TypeError) as raised:
                keep(client())
            assert KEY not in str(raised.exception)
        assert not hasattr(client(), "__dict__")

    def test_contact_of_another_shape_is_a_mistake(self) -> None:
        wrong: tuple[Any, ...] = (
            "kari@example.no",
            ("email",),
            ("email", None),
            (1, "a"),
            ("email", "a", 1),
            None,
            ("a", "b", "c", "d"),
        )
        for contact in wrong:
            with self.subTest(contact), self.assertRaises(ValueError) as raised:
                client().check(contacts=[contact])
            assert "kari" not in str(raised.exception)
            assert raised.exception.__context__ is None

    def test_may_send_never_raises(self) -> None:
        wrong: tuple[Any, ...] = (None, 1, b"kari@example.no", [], {}, "kari@example.no", "a\ud800@example.no", "")
        for address in wrong:
            assert client().may_send("email", address, scope="acme") is False
            assert client().may_send(address, "kari@example.no", scope=address) is False

    def test_nothing_says_yes_by_itself(self) -> None:
        assert not Result()
        assert not Result().send
        results = client().check(contacts=[("email", "kari@example.no"), ("sms", "912 34 567", "NO")])
        assert [(result.send, result.reason) for result in results] == [(False, "unavailable")] * 2
        assert not any(results)

    def test_text_that_is_no_unicode_is_not_sent(self) -> None:
        assert (
            client().check(contacts=[("email", "a\ud800@example.no")])[0].detail
            == "a text of the request is not Unicode"
        )

    def test_time_without_a_zone_is_a_mistake(self) -> None:
        with self.assertRaises(ValueError):
            client().suppress(contacts=[], reason="stop", at=datetime(2026, 11, 20))
