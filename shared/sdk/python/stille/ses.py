"""Sends marketing through Amazon SES v2 to those who may be sent to.

Each recipient gets their own message with their own unsubscribe link, in
both header lines of RFC 8058, with the configuration set and the tag by which a
bounce or complaint reaches the brand, and is checked right before the call of
SES. Anything doubtful is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .answer import UNAVAILABLE, Error, Link
from .client import Client
from .message import Refused, add_link, add_link_to_entry

_AT_ONCE = 50  # entries in one call of SES

#: The two forms of a recipient: an address, or a name and an address in angle brackets.
_RECIPIENT = re.compile(
    r"""\s*(?:(?:"(?:[^"\\]|\\.)*"|[^<>,;:"@]*)\s*<([^<>\s,;:"]+@[^<>\s,;:"@]+)>|([^<>\s,;:"]+@[^<>\s,;:"@]+))\s*"""
)


class SES(Protocol):
    """The ordinary client of SES v2: ``boto3.client("sesv2")``."""

    def send_email(self, **request: Any) -> Mapping[str, Any]:
        """Send one message."""

    def send_bulk_email(self, **request: Any) -> Mapping[str, Any]:
        """Send one template to many."""


@dataclass
class Outcome:
    """What became of the message to one recipient. It is true only if the message was sent.

    ``reason`` is a check's, or ``invalid-address``, ``no-link``, ``refused`` (the
    message cannot carry its link) or ``failed`` (SES did not say that it took the
    message); ``detail`` says more, and holds no address.
    """

    recipient: str = field(repr=False)
    sent: bool = False
    message_id: str | None = None
    reason: str | None = None
    detail: str | None = None

    def __bool__(self) -> bool:
        return self.sent

    def refuse(self, reason: str | None, detail: str | None = None) -> None:
        """Note why the message is not sent."""
        self.reason, self.detail = reason or UNAVAILABLE, detail

    def take(self, message_id: Any) -> None:
        """Note that SES took the message, where SES gives the message an id."""
        if isinstance(message_id, str) and message_id:
            self.sent, self.message_id = True, message_id
        else:
            self.refuse("failed", _code(None))


@dataclass
class _Place:
    """A recipient on the way: where there is no outcome yet, there is a link."""

    outcome: Outcome
    address: str
    link: Link = field(default_factory=Link)
    message: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, recipient: str) -> _Place:
        place = cls(Outcome(recipient), _address(recipient))
        if not place.address:
            place.outcome.refuse("invalid-address")
        return place


class Sender:
    """The brand that sends. ``configuration_set`` publishes to the stack's feedback topic."""

    def __init__(
        self, client: Client, ses: SES, *, scope: str, configuration_set: str, lang: str | None = None
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*(/[a-z][a-z0-9-]*)?", scope) or len(scope) > 64:
            raise ValueError("scope must be a brand, or a topic of one")
        if not configuration_set:
            raise ValueError("without a configuration set, bounces and complaints would be lost")
        self._client = client
        self._ses = ses
        self._scope = scope
        self._configuration_set = configuration_set
        self._lang = lang

    def send(self, **request: Any) -> list[Outcome]:
        """Send what ``send_email`` takes to each recipient of ``Destination`` who may be sent to.

        Returns an outcome for each: those of To, then Cc, then Bcc. Where a check is
        ``unavailable``, those who follow are not asked about. Only a request without
        recipients raises ``ValueError``.
        """
        given = _recipients(request.get("Destination"))
        if not given:
            raise ValueError("the request names no recipient in Destination")
        places = [_Place.of(recipient) for recipient in given]
        self._mint(places)
        for n, place in enumerate(places):
            if place.outcome.reason is None:
                self._send_one(request, place)
            if place.outcome.reason == UNAVAILABLE:
                _give_up(places[n:])
        return [place.outcome for place in places]

    def send_bulk(self, **request: Any) -> list[Outcome]:
        """Send what ``send_bulk_email`` takes, any number of entries, to those who may be sent to.

        Fifty go in one call of SES; their recipients are checked together, right before
        the call. Returns an outcome for each entry. An entry has one recipient, whose
        link is in the headers and in the data of the template. Where a check is
        ``unavailable``, those who follow are not asked about. Only a request without
        entries raises ``ValueError``.
        """
        entries = request.get("BulkEmailEntries")
        if not isinstance(entries, list | tuple) or not entries:
            raise ValueError("the request has no BulkEmailEntries")
        places = []
        for entry in entries:
            given = _recipients(entry.get("Destination")) if isinstance(entry, Mapping) else []
            places.append(_Place.of(given[0] if len(given) == 1 else ""))
        down = False
        for first in range(0, len(places), _AT_ONCE):
            part = places[first : first + _AT_ONCE]
            if not down:
                self._send_part(request, part, entries[first : first + _AT_ONCE])
                down = any(place.outcome.reason == UNAVAILABLE for place in part)
            if down:
                _give_up(part)
        return [place.outcome for place in places]

    def _mint(self, places: list[_Place]) -> None:
        """Mint the link of every address. Where there is none, the outcome says why."""
        asked = [place for place in places if place.address]
        detail = "the links cannot be minted"
        links = None
        try:
            contacts = [("email", place.address) for place in asked]
            links = self._client.links(contacts, scope=self._scope, lang=self._lang)
        except Error as error:
            detail = str(error)
        except Exception:
            links = None
        for n, place in enumerate(asked):
            if links is None:
                place.outcome.refuse(UNAVAILABLE, detail)
            elif not links[n].url:
                place.outcome.refuse("no-link", links[n].reason)
            else:
                place.link = links[n]

    def _link(self, place: _Place, add: Callable[..., dict[str, Any]], *requests: Any) -> None:
        """Make the place's message, with the link."""
        brand = self._scope.partition("/")[0]
        try:
            place.message = add(*requests, place.link, brand=brand, configuration_set=self._configuration_set)
        except Refused as refused:
            place.outcome.refuse("refused", str(refused))
        except Exception:
            place.outcome.refuse("refused", "it is not a request of SES")

    def _check(self, places: list[_Place]) -> None:
        """Ask about the recipients in one call. The outcome of who may not be sent to says why."""
        results = self._client.check([("email", place.address) for place in places], scope=self._scope)
        for place, result in zip(places, results, strict=True):
            if result.send is not True:
                place.outcome.refuse(result.reason, result.detail)
            elif result.key != place.link.key:
                place.outcome.refuse(UNAVAILABLE, "the link has the key of another contact")

    def _send_one(self, request: dict[str, Any], place: _Place) -> None:
        alone = {**request, "Destination": {"ToAddresses": [place.outcome.recipient]}}
        self._link(place, add_link, alone)
        if place.outcome.reason is None:
            self._check([place])
        if place.outcome.reason is not None:
            return
        try:
            place.outcome.take(self._ses.send_email(**place.message).get("MessageId"))
        except Exception as error:
            place.outcome.refuse("failed", _code(error))

    def _send_part(self, request: dict[str, Any], part: list[_Place], entries: Sequence[Any]) -> None:
        """Send one call's entries to the recipients that the check allows; to nobody where it is unavailable."""
        self._mint(part)
        for place, entry in zip(part, entries, strict=True):
            if place.outcome.reason is None:
                self._link(place, add_link_to_entry, request, entry)
        self._check([place for place in part if place.outcome.reason is None])
        if any(place.outcome.reason == UNAVAILABLE for place in part):
            return
        sent = [place for place in part if place.outcome.reason is None]
        if not sent:
            return
        whole = {**request, "ConfigurationSetName": self._configuration_set}
        whole["BulkEmailEntries"] = [place.message for place in sent]
        results: list[Any] = []
        failure = None
        try:
            results = list(self._ses.send_bulk_email(**whole)["BulkEmailEntryResults"])
        except Exception as error:
            failure = error
        for n, place in enumerate(sent):
            result: Mapping[str, Any] = results[n] if len(results) == len(sent) else {}
            if result.get("Status") == "SUCCESS":
                place.outcome.take(result.get("MessageId"))
            else:
                place.outcome.refuse("failed", f"SES answered {result.get('Status')}" if result else _code(failure))


def _give_up(rest: list[_Place]) -> None:
    for place in rest:
        if place.outcome.reason is None:
            place.outcome.refuse(UNAVAILABLE)


def _recipients(destination: Any) -> list[str]:
    given: list[Any] = []
    if isinstance(destination, Mapping):
        for kind in ("ToAddresses", "CcAddresses", "BccAddresses"):
            given += destination.get(kind) or []
    if not all(isinstance(recipient, str) for recipient in given):
        raise ValueError("a recipient in Destination is no text")
    return given


def _address(recipient: str) -> str:
    """Return the address of a recipient, or nothing if it is not clear."""
    found = _RECIPIENT.fullmatch(recipient)
    return (found[1] or found[2]) if found else ""


def _code(error: Exception | None) -> str:
    """Return SES's name of an error. The text of the error may hold an address."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return f"SES answered {code}" if isinstance(code, str) else "SES gave no answer that can be used"
