"""The client of the tools' API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from .answer import (
    UNAVAILABLE,
    Error,
    Link,
    Released,
    Result,
    Suppressed,
    Unusable,
    read_checks,
    read_link,
    read_released,
    read_results,
    read_suppressed,
)
from .contact import Contact, GivenContact, Keys, read_contacts
from .transport import Transport

_AT_ONCE = 1000  # contacts in one call of the API

_T = TypeVar("_T")


class Client:
    """One tool's access to the API. Threads may share it.

    ``base`` is the address of the API (``"https://host"``, without ``/v1``); plain
    http is for this machine alone. ``timeout`` is the seconds that one call may
    take as a whole, with its ``retries``.
    """

    __slots__ = ("_keys", "_transport")

    def __init__(self, base: str, key: str, *, timeout: float = 10.0, retries: int = 2) -> None:
        self._transport = Transport(base, key, timeout, retries)
        self._keys = Keys()

    def __repr__(self) -> str:
        return f"<stille.Client of {self._transport!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Client holds an API key and is not copied: make another")

    def may_send(self, channel: str, address: str, scope: str | None = None, *, region: str | None = None) -> bool:
        """Tell whether a marketing message may be sent to one contact. Any doubt is a no; nothing is raised."""
        try:
            return self.check([(channel, address, region)], scope=scope)[0].send
        except Exception:
            return False

    def check(
        self,
        contacts: Iterable[GivenContact],
        *,
        scope: str | None = None,
        purpose: str | None = None,
        require: str | None = None,
    ) -> list[Result]:
        """Return a result for every contact, in the order asked.

        When anything is wrong, every result says no for the reason ``unavailable``.
        Only a contact of the wrong shape raises ``ValueError``.
        """
        asked = read_contacts(contacts)
        members = {"scope": scope, "purpose": purpose, "require": require}
        try:
            results = self._checked(asked, members)
        except Exception as error:
            detail = str(error) if isinstance(error, Error) else "the check failed"
            results = [Result(reason=UNAVAILABLE, detail=detail)] * len(asked)
        return results

    def _checked(self, asked: list[Contact], members: dict[str, Any]) -> list[Result]:
        results = self._call("/v1/check", asked, members, read_checks)
        if not self._keys.accept(asked, [result.key for result in results]):
            raise Error("the API's answer cannot be used: its results look swapped")
        return results

    def links(
        self, contacts: Iterable[GivenContact], *, scope: str | None = None, lang: str | None = None
    ) -> list[Link]:
        """Return an unsubscribe link for every contact, in the order asked. A failed call raises ``Error``."""
        return self._each("/v1/links", contacts, {"scope": scope, "lang": lang}, read_link)

    def suppress(
        self,
        contacts: Iterable[GivenContact],
        *,
        reason: str,
        scope: str | None = None,
        at: datetime | str | None = None,
        note: str | None = None,
    ) -> list[Suppressed]:
        """Report that people said no. After an ``Error``, report them all again: nothing is taken twice."""
        members = {"scope": scope, "reason": reason, "at": _moment(at), "note": note}
        return self._each("/v1/suppressions", contacts, members, read_suppressed)

    def release(
        self, contacts: Iterable[GivenContact], *, scope: str, consented_at: datetime | str, evidence: str
    ) -> list[Released]:
        """End the silence of people who gave a new consent. After an ``Error``, show the consent again."""
        members = {"scope": scope, "consentedAt": _moment(consented_at), "evidence": evidence}
        return self._each("/v1/suppressions/release", contacts, members, read_released)

    def _each(
        self,
        route: str,
        contacts: Iterable[GivenContact],
        members: dict[str, Any],
        read: Callable[[dict[str, Any], str], _T],
    ) -> list[_T]:
        asked = read_contacts(contacts)
        channels = iter([contact.channel for contact in asked])

        def read_part(text: bytes, count: int) -> list[_T]:
            return [read(result, next(channels)) for result in read_results(text, count)[1]]

        return self._call(route, asked, members, read_part)

    def _call(
        self, route: str, asked: list[Contact], members: dict[str, Any], read: Callable[[bytes, int], list[_T]]
    ) -> list[_T]:
        """Make one call for each thousand contacts. Raise an ``Error`` that no other exception caused."""
        deadline = time.monotonic() + self._transport.timeout
        results: list[_T] = []
        for first in range(0, len(asked), _AT_ONCE):
            part = asked[first : first + _AT_ONCE]
            answer = self._transport.post(route, _encode(members, part), deadline)
            if isinstance(answer, Error):
                raise answer
            failure = None
            try:
                results += read(answer, len(part))
            except Unusable as unusable:
                failure = f"the API's answer cannot be used: {unusable}"
            if failure is not None:
                raise Error(failure)
        return results


def _encode(members: dict[str, Any], contacts: list[Contact]) -> bytes:
    request = {name: value for name, value in members.items() if value is not None}
    request["contacts"] = [
        {name: value for name, value in contact._asdict().items() if value is not None} for contact in contacts
    ]
    try:
        return json.dumps(request, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        pass
    raise Error("a text of the request is not Unicode")


def _moment(given: datetime | str | None) -> str | None:
    if not isinstance(given, datetime):
        return given
    if given.tzinfo is None:
        raise ValueError("a time must have a zone: use datetime.now(timezone.utc)")
    return given.isoformat()
