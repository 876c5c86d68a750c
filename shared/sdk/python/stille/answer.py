"""What the API answers, read so that only a clear yes is a yes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

UNAVAILABLE = "unavailable"

#: How far ``asOf`` may be from the caller's clock.
FRESH = timedelta(minutes=5)


@dataclass(frozen=True)
class Result:
    """Whether one contact may be sent to. A result is true only if ``send`` is."""

    send: bool = False
    reason: str | None = UNAVAILABLE
    scope: str | None = None
    since: datetime | None = None
    key: str | None = field(default=None, repr=False)
    basis: str | None = None
    basis_until: str | None = None
    evidence: str | None = field(default=None, repr=False)
    #: What went wrong, where the reason is ``unavailable``.
    detail: str | None = None

    def __bool__(self) -> bool:
        return self.send


@dataclass(frozen=True)
class Link:
    """One contact's unsubscribe link and the headers to send with it, or the reason why there is none."""

    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reason: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Suppressed:
    """What became of one contact's opt-out. ``suppressed``: the contact is now suppressed in the scope."""

    added: bool
    suppressed: bool
    reason: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Released:
    """What became of one contact's new consent. ``Client.check`` still says who may be sent to."""

    released: bool
    reason: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Fault:
    """One bad field of a request that the API refused."""

    pointer: str
    detail: str


class Error(Exception):
    """A call that failed. ``status`` is None if there was no answer of the API."""

    def __init__(self, text: str, status: int | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(text + "".join(f"; {fault.pointer} {fault.detail}" for fault in faults))
        self.status = status
        self.faults = faults


class Unusable(Exception):
    """An answer of status 200 that is not of the call's shape. Its text quotes nothing of the answer."""


def parse_json(text: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; refuse a repeated name, half a character and everything that is no JSON."""
    decoded: Any = None
    try:
        decoded = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_number,
            parse_int=float,
        )
        json.dumps(decoded, ensure_ascii=False).encode("utf-8")  # an escape may be half a character
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise Unusable("it is not a JSON object")
    return decoded


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _no_number(_: str) -> NoReturn:
    raise ValueError("no number of JSON")


def read_results(text: bytes, count: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return an answer and its results, one for each contact."""
    answer = parse_json(text)
    results = answer.get("results")
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise Unusable("it has no results")
    if len(results) != count:
        raise Unusable(f"it has {len(results)} results for {count} contacts")
    return answer, results


def read_checks(text: bytes, count: int) -> list[Result]:
    """Return the results of a check; refuse an answer that is not of now."""
    answer, results = read_results(text, count)
    as_of = _time(answer, "asOf")
    if as_of is None or abs(datetime.now(timezone.utc) - as_of) > FRESH:
        raise Unusable("it is not of the last five minutes: compare the clocks")
    return [_check(result) for result in results]


def _check(result: dict[str, Any]) -> Result:
    send = result.get("send")
    reason, scope, since, key = (
        _text(result, "reason"),
        _text(result, "scope"),
        _time(result, "since"),
        _text(result, "key"),
    )
    if send is not True and send is not False:
        raise Unusable("a result says neither yes nor no")
    if send and (reason is not None or scope is not None or since is not None):
        raise Unusable("a result says yes, with a reason against it")
    if send and not key:
        raise Unusable("a result says yes without a contact's key")
    if not send and not reason:
        raise Unusable("a result says no without a reason")
    basis, until, evidence = (_known(result, name) for name in ("basis", "basisUntil", "evidence"))
    return Result(send, reason, scope, since, key or None, basis, until, evidence)


def read_link(result: dict[str, Any], channel: str) -> Link:
    """Return a link that can be put into a message of the channel, or the reason why there is none."""
    url, reason, headers = _text(result, "url"), _text(result, "reason"), result.get("headers")
    headers = {} if headers is None else headers
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Unusable("the headers of a link are not text")
    if bool(url) == bool(reason):
        raise Unusable("a result is neither a link nor a reason why there is none")
    if url and channel == "email" and not (headers.get("List-Unsubscribe") and headers.get("List-Unsubscribe-Post")):
        raise Unusable("a link lacks a header")
    return Link(url or None, headers, reason or None, _text(result, "key"))


def read_suppressed(result: dict[str, Any], _channel: str) -> Suppressed:
    """Return what became of an opt-out."""
    added, suppressed, reason = result.get("added"), result.get("suppressed"), _text(result, "reason")
    if not isinstance(added, bool) or not isinstance(suppressed, bool | None) or (added and reason):
        raise Unusable("a result does not say what was done")
    return Suppressed(added, bool(suppressed), reason or None, _text(result, "key"))


def read_released(result: dict[str, Any], _channel: str) -> Released:
    """Return what became of a new consent."""
    released, reason = result.get("released"), _text(result, "reason")
    if not isinstance(released, bool) or released == bool(reason):
        raise Unusable("a result does not say what was done")
    return Released(released, reason or None, _text(result, "key"))


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is not None and not isinstance(value, str):
        raise Unusable(f"{name} is not text")
    return value


def _known(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-]\d\d:\d\d))", re.ASCII)


def _time(members: dict[str, Any], name: str) -> datetime | None:
    text = _text(members, name)
    if text is None:
        return None
    moment = None
    if found := _RFC3339.fullmatch(text):
        day, clock, fraction, offset = found.groups()
        try:
            moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:0<6}{offset or '+00:00'}")
        except ValueError:
            moment = None
    if moment is None:
        raise Unusable(f"{name} is not a time")
    return moment


def read_problem(text: bytes, status: int, key: str) -> Error:
    """Return what an answer other than 200 says. Text that may hold an address or the key is withheld."""
    title = ""
    try:
        problem = parse_json(text)
    except Unusable:
        problem = {}
    if isinstance(problem.get("title"), str):
        title = ": " + _harmless(problem["title"], key)
    errors = problem.get("errors")
    faults = tuple(
        Fault(_harmless(fault["pointer"], key), _harmless(fault["detail"], key))
        for fault in (errors if isinstance(errors, list) else [])
        if isinstance(fault, dict) and isinstance(fault.get("pointer"), str) and isinstance(fault.get("detail"), str)
    )
    return Error(f"the API answered {status}{title}", status, faults)


def _harmless(text: str, key: str) -> str:
    return "[withheld]" if key in text or re.search(r"@|%40|\d(?:\W*\d){4}", text) else text
