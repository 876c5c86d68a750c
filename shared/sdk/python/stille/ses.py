"""Sends marketing through Amazon SES v2 to those who may be sent to.

Each recipient gets their own message with their own unsubscribe link, in
both header lines of RFC 8058, with the configuration set and the tag by which a
bounce or complaint reaches the brand, and is checked right before the call of
SES. Anything doubtful is not sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .answer import UNAVAILABLE, Error, Link
from .client import Client
from .message import Refused, add_link

#: The two forms of a recipient: an address, or a name and an address in angle brackets.
_RECIPIENT = re.compile(
    r"""\s*(?:(?:"(?:[^"\\]|\\.)*"|[^<>,;:"@]*)\s*<([^<>\s,;:"]+@[^<>\s,;:"@]+)>|([^<>\s,;:"]+@[^<>\s,;:"@]+))\s*"""
)


class SES(Protocol):
    """The ordinary client of SES v2: ``boto3.client("sesv2")``."""

    def send_email(self, **request: Any) -> Mapping[str, Any]:
        """Send one message."""


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
        outcomes = [Outcome(recipient) for recipient in _recipients(request.get("Destination"))]
        addresses = [_address(outcome.recipient) for outcome in outcomes]
        for outcome, address in zip(outcomes, addresses, strict=True):
            if not address:
                outcome.refuse("invalid-address")
        links = iter(self._links(outcomes, addresses))
        down = False
        for outcome, address in zip(outcomes, addresses, strict=True):
            link = next(links) if address else None
            if down and outcome.reason is None:
                outcome.refuse(UNAVAILABLE)
            elif outcome.reason is None and link is not None:
                self._send_one(request, outcome, address, link)
            down = down or outcome.reason == UNAVAILABLE
        return outcomes

    def _links(self, outcomes: list[Outcome], addresses: list[str]) -> list[Link]:
        """Return the link of every address. Where there is none, the outcome says why."""
        asked = [(outcome, address) for outcome, address in zip(outcomes, addresses, strict=True) if address]
        detail = "the links cannot be minted"
        links = None
        try:
            contacts = [("email", address) for _, address in asked]
            links = self._client.links(contacts, scope=self._scope, lang=self._lang)
        except Error as error:
            detail = str(error)
        except Exception:
            links = None
        for n, (outcome, _) in enumerate(asked):
            if links is None:
                outcome.refuse(UNAVAILABLE, detail)
            elif not links[n].url:
                outcome.refuse("no-link", links[n].reason)
        return links or [Link()] * len(asked)

    def _send_one(self, request: dict[str, Any], outcome: Outcome, address: str, link: Link) -> None:
        try:
            message = add_link(
                {**request, "Destination": {"ToAddresses": [outcome.recipient]}},
                link,
                brand=self._scope.partition("/")[0],
                configuration_set=self._configuration_set,
            )
        except Refused as refused:
            return outcome.refuse("refused", str(refused))
        except Exception:
            return outcome.refuse("refused", "it is not a request of SES")
        result = self._client.check([("email", address)], scope=self._scope)[0]
        if result.send is not True:
            return outcome.refuse(result.reason, result.detail)
        if result.key != link.key:
            return outcome.refuse(UNAVAILABLE, "the link has the key of another contact")
        try:
            message_id = self._ses.send_email(**message)["MessageId"]
        except Exception as error:
            return outcome.refuse("failed", _code(error))
        if not isinstance(message_id, str) or not message_id:
            return outcome.refuse("failed", _code(None))
        outcome.sent, outcome.message_id = True, message_id
        return None


def _recipients(destination: Any) -> list[str]:
    given: list[Any] = []
    if isinstance(destination, Mapping):
        for kind in ("ToAddresses", "CcAddresses", "BccAddresses"):
            given += destination.get(kind) or []
    if not given or not all(isinstance(recipient, str) for recipient in given):
        raise ValueError("the request names no recipient in Destination")
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
