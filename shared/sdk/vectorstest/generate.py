"""Writes vectors.ndjson: what each SDK must make of what a server does.

    python3 shared/sdk/vectorstest/generate.py >shared/sdk/vectorstest/vectors.ndjson

A line is one client's life: its settings, the calls it makes and what each must
return, the answers that the server gives one after another (the last one again
and again), and how many requests it must see. ``server_test.go`` says what an
answer can hold. ``@now-301@`` is a time that many seconds away, ``@date+1@`` the
same as a date of HTTP, ``@small@`` the same in small letters, ``@other@`` the address of a server that must not be asked, ``@9*x@`` nine times x.
"""

# ruff: noqa: E501, SIM905  (tables read better in lines)

from __future__ import annotations

import json
from typing import Any

KARI = {"channel": "email", "address": "kari@example.no"}
OLA = {"channel": "email", "address": "ola@example.no"}
PER = {"channel": "email", "address": "per@example.no"}
KARI_ALIAS = {"channel": "email", "address": "Kari@Example.no"}
NUMBER = {"channel": "sms", "address": "+47 912 34 567"}
HOME_NUMBER = {"channel": "sms", "address": "912 34 567", "region": "NO"}

A, B, C, D = (letter * 48 for letter in "ABCD")
SINCE = "2026-11-20T08:00:00Z"
YES: dict[str, Any] = {"send": True, "key": A}
YES_TOO: dict[str, Any] = {"send": True, "key": B}
NO: dict[str, Any] = {"send": False, "reason": "unsubscribed", "scope": "acme", "since": SINCE, "key": B}

vectors: list[dict[str, Any]] = []


def add(name: str, calls: list[dict[str, Any]], answers: list[Any], requests: int | None = 1, **more: Any) -> None:
    """Add a vector; a text among the answers is a body."""
    told = [{"body": answer} if isinstance(answer, str) else answer for answer in answers]
    vectors.append({"name": name, "calls": calls, "answers": told, "requests": requests, **more})


def check(expect: Any, *contacts: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"call": "check", "with": {"scope": "acme", "contacts": list(contacts or [KARI]), **more}, "expect": expect}


def check_many(expect: Any, count: int) -> dict[str, Any]:
    """Ask about a number of made-up contacts; each result must be the same."""
    return {"call": "check", "with": {"scope": "acme", "contacts": count}, "expect": expect}


def body_of(count: int, result: dict[str, Any]) -> str:
    """Return an answer with one result again and again."""
    return body("?", result).replace('"?", ', f"@{count - 1}*{json.dumps(result)},@")


def body(*results: Any, as_of: str = "@now@", **more: Any) -> str:
    return json.dumps({"asOf": as_of, "results": list(results), **more})


def refused(name: str, answer: Any, *contacts: dict[str, str], requests: int = 1, **more: Any) -> None:
    """One check whose answer must not be believed."""
    add(name, [check("unavailable", *contacts)], [answer], requests, **more)


def believed(name: str, answer: Any, *expect: dict[str, Any], contacts: tuple[dict[str, str], ...] = (KARI,)) -> None:
    add(name, [check(list(expect or ({"send": True},)), *contacts)], [answer])


def answers() -> None:
    believed("a yes", body(YES), {"send": True, "key": A})
    believed("a no", body(NO), NO)
    believed("yes and no", body(YES, NO), YES, NO, contacts=(KARI, OLA))
    believed("no and yes, on two channels", body(NO, YES), NO, YES, contacts=(NUMBER, KARI))
    for reason in "unsubscribed stop manual objection complaint hard-bounce imported erasure restriction invalid-address unknown-scope no-basis unreadable new".split():
        believed(f"reason {reason}", body({"send": False, "reason": reason}), {"send": False, "reason": reason})
    expired = {"send": False, "reason": "basis-expired", "basisUntil": "2026-11-20", "key": A}
    believed("an expired basis", body(expired), expired)
    based = {**YES, "basis": "consent", "basisUntil": "2028-11-20", "evidence": "sub-81"}
    believed("a basis", body(based), based)
    believed("a reason that is null", body({**YES, "reason": None, "scope": None, "since": None}))
    believed("a key that is null at a no", body({"send": False, "reason": "stop", "key": None}), {"reason": "stop"})
    believed("space around the answer", " \n\t" + body(YES) + " \r\n")
    believed("names written with escapes", body(YES).replace('"send"', '"\\u0073end"'))
    add("a thousand contacts", [check_many(NO, 1000)], [body_of(1000, NO)])


def statuses() -> None:
    for status in (
        201, 202, 203, 204, 205, 206, 207, 226, 300, 304, 305, 306, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409,
        410, 411, 412, 413, 414, 415, 418, 421, 422, 423, 425, 426, 428, 431, 451, 500, 501, 505, 507, 511, 520, 599,
    ):  # fmt: skip
        refused(f"status {status} with a yes in it", {"status": status, "body": body(YES)})
    for status in (100, 101, 102, 103, 199, 0, 99, 600, 999):
        add(f"status {status} with a yes in it", [check("unavailable")], [{"status": status, "body": body(YES)}], None, timeout=900)


def redirects() -> None:
    for status in (301, 302, 303, 307, 308):
        for where, location in (("another server", "@other@/v1/check"), ("the same server", "/v1/check"),
                                ("nowhere", None), ("no address", "::"), ("the page itself", "")):  # fmt: skip
            headers = {} if location is None else {"Location": location}
            refused(f"{status} to {where}", {"status": status, "headers": headers, "body": body(YES)})


def types() -> None:
    for kind in ("text/html", "text/html; charset=utf-8", "text/plain", "application/xml", "application/problem+json",
                 "application/octet-stream", "multipart/form-data", "text/json", "json", "image/png"):  # fmt: skip
        refused(f"content type {kind}", {"headers": {"Content-Type": kind}, "body": body(YES)})
    for right in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8", None):
        believed(f"content type {right}", {"headers": {"Content-Type": right}, "body": body(YES)})
    page = "<!doctype html><title>Sign in</title><form action=/login>{\"send\":true}</form>"
    refused("a proxy's page", {"headers": {"Content-Type": "text/html"}, "body": page})
    refused("a proxy's page that says it is JSON", page)
    refused("a proxy's page with a status", {"status": 407, "headers": {"Content-Type": "text/html"}, "body": page})


def no_json() -> None:
    yes = body(YES)
    for name, text in {
        "nothing": "", "a space": " ", "OK": "OK", "null": "null", "true": "true", "false": "false", "a number": "1",
        "a text": '"send"', "a list": f"[{yes}]", "a list of results": json.dumps([YES]), "an empty object": "{}",
        "half an answer": yes[:50], "all but the last character": yes[:-1], "a second answer": yes + yes,
        "an object behind it": yes + "{}", "a comma behind it": yes + ",", "a bracket behind it": yes + "}",
        "a trailing comma": yes.replace("}]}", "},]}"), "a trailing comma in an object": yes.replace("}]}", ",}]}"),
        "a comment": yes + "// yes", "a comment inside": yes.replace("[", "[/* yes */"),
        "single quotes": yes.replace('"', "'"), "no quotes": yes.replace('"send"', "send"), "True": yes.replace("true", "True"),
        "NaN": yes.replace('"results"', '"n": NaN, "results"'), "Infinity": yes.replace('"results"', '"n": Infinity, "results"'),
        "-Infinity": yes.replace('"results"', '"n": -Infinity, "results"'), "a hexadecimal number": yes.replace('"results"', '"n": 0x1, "results"'),
        "a leading zero": yes.replace('"results"', '"n": 01, "results"'), "a plus": yes.replace('"results"', '"n": +1, "results"'),
        "a point at the end": yes.replace('"results"', '"n": 1., "results"'), "send NaN": yes.replace("true", "NaN"),
        "a line break in a text": yes.replace(A, "A\nA"), "a tab in a text": yes.replace(A, "A\tA"),
        "half a character in a text": yes.replace(A, "\\ud800"), "half a character in a name": yes.replace('"send"', '"\\udc00": 1, "send"'),
        "halves in the wrong order": yes.replace(A, "\\udc00\\ud800"), "half a character in a list": yes.replace('"send"', '"new": ["\\ud800"], "send"'),
        "an unknown escape": yes.replace(A, "\\x41"), "a cut escape": yes.replace(A, "\\u00"),
        "JSON lines": yes.replace("[", "\n[") + "\n" + yes, "a prefix against theft": ")]}',\n" + yes,
        "a callback": f"call({yes})", "form data": "send=true", "XML": "<send>true</send>", "YAML": "send: true",
        "open brackets": "@100000*[@", "open objects": '@100000*{"a":@',
        "deep nesting": yes.replace('"results"', '"n": ' + "@100000*[@@100000*]@" + ', "results"'),
    }.items():  # fmt: skip
        refused(f"JSON: {name}", text)
    for name, code, text in (
        ("a byte order mark", "utf-8-mark", yes), ("UTF-16", "utf-16", "\ufeff" + yes), ("UTF-16 without a mark", "utf-16", yes),
        ("UTF-32", "utf-32", "\ufeff" + yes), ("UTF-32 without a mark", "utf-32", yes), ("a byte that is no UTF-8", "latin-1", yes.replace(A, "\xff")),
        ("UTF-8 that is too long", "latin-1", yes.replace(A, "\xc0\xaf")), ("a surrogate in UTF-8", "latin-1", yes.replace(A, "\xed\xa0\x80")),
        ("Latin-1 in an unknown member", "latin-1", body(YES, new="?").replace("?", "\xe5")),
        ("a zero byte", "latin-1", yes + "\0"), ("a head of gzip", "latin-1", "\x1f\x8b\x08\0" + yes), ("noise", "latin-1", "\xff\xfe\x80" * 99),
    ):  # fmt: skip
        refused(f"bytes: {name}", {"encode": code, "body": text})
    packed = {"encode": "gzip", "headers": {"Content-Encoding": "gzip"}, "body": yes}
    refused("bytes: gzip, which no client asks for", packed)
    refused("bytes: gzip that claims to be plain", {**packed, "headers": {}})


def shapes() -> None:
    for value in (1, 0, 1.0, -1, 1e3, "true", "True", "yes", "1", "", "false", None, [], [True], {}, {"send": True}):
        refused(f"send is {json.dumps(value)}", body({**YES, "send": value}))
        refused(f"send is {json.dumps(value)}, beside a yes", body(YES_TOO, {**YES, "send": value}), OLA, KARI)
    for name, result in {
        "no send": {"key": A}, "nothing": {}, "null": None, "a list": [], "true": True, "a text": "send", "a number": 1,
        "a list of true": [True], "SEND": {"SEND": True, "key": A}, "Send": {"Send": True, "key": A}, "send with a long s": {"\u017fend": True, "key": A},
        "send with a space": {"send ": True, "key": A}, "a yes with a reason": {**YES, "reason": "unsubscribed"},
        "a yes with an empty reason": {**YES, "reason": ""}, "a yes with a reason of next year": {**YES, "reason": "new"},
        "a yes with a reason that is no text": {**YES, "reason": 1}, "a yes with false for a reason": {**YES, "reason": False},
        "a yes with a scope": {**YES, "scope": "acme"}, "a yes with a time": {**YES, "since": SINCE},
        "a yes without a key": {"send": True}, "a yes with an empty key": {"send": True, "key": ""},
        "a yes with null for a key": {"send": True, "key": None}, "a yes with a number for a key": {"send": True, "key": 1},
        "a yes with a list for a key": {"send": True, "key": [A]}, "a no without a reason": {"send": False, "key": A},
        "a no with an empty reason": {**NO, "reason": ""}, "a no with null for a reason": {**NO, "reason": None},
        "a no with true for a reason": {**NO, "reason": True}, "a no with a number for a scope": {**NO, "scope": 1},
        "a no with a time that is none": {**NO, "since": "yesterday"}, "a no with a number for a time": {**NO, "since": 1},
        "a no with a day that is none": {**NO, "since": "2026-02-30T08:00:00Z"},
    }.items():  # fmt: skip
        refused(f"a result is {name}", body(result))
        refused(f"a result beside a yes is {name}", body(YES_TOO, result), OLA, KARI)
    for results in (None, {}, True, "yes", 1, {"0": YES}, [[YES]]):
        refused(f"results are {json.dumps(results)[:20]}", json.dumps({"asOf": "@now@", "results": results}))
    others: dict[str, dict[str, Any]] = {"missing": {}, "elsewhere": {"data": {"results": [YES]}}, "in capitals": {"Results": [YES]}, "one": YES}
    for name, members in others.items():
        refused(f"results are {name}", json.dumps({"asOf": "@now@", **members}))


def counts() -> None:
    refused("no result", body())
    refused("a result too few", body(YES), KARI, OLA)
    refused("a result too many", body(YES, YES_TOO))
    refused("a null too many", body(YES, None))
    refused("twice as many", body(YES, YES_TOO, YES, YES_TOO), KARI, OLA)
    refused("a big array", body_of(50_000, YES))
    add("999 for a thousand", [check_many("unavailable", 1000)], [body_of(999, YES)])
    add("nobody", [check_many([], 0)], [body()], 0)
    thousand, one_more = body_of(1000, YES), body(YES)
    add("a contact more than one call takes", [check_many(YES, 1001)], [thousand, one_more], 2)
    for name, second in (("fails", {"status": 500}), ("is short", body())):
        add(f"a second part that {name}", [check_many("unavailable", 1001)], [thousand, second], 2)


def twice() -> None:
    yes = body(YES)
    for name, text in {
        "send, no and yes": yes.replace('"send": true', '"send": false, "send": true'),
        "send, yes and no": yes.replace('"send": true', '"send": true, "send": false'),
        "send, yes and yes": yes.replace('"send": true', '"send": true, "send": true'),
        "send, once with an escape": yes.replace('"send": true', '"\\u0073end": false, "send": true'),
        "send, once at the end": yes.replace("}]", ', "send": false}]'),
        "results": yes[:-1] + f', "results": [{json.dumps(YES)}]}}', "results, first none": yes.replace('"results"', '"results": [], "results"'),
        "results, then null": yes[:-1] + ', "results": null}', "asOf": yes.replace('"asOf"', '"asOf": "@now@", "asOf"'),
        "asOf, stale first": yes.replace('"asOf"', '"asOf": "@now-900@", "asOf"'), "key": yes.replace('"key"', '"key": "B", "key"'),
        "reason": body(NO).replace('"reason"', '"reason": "stop", "reason"'), "reason, null": yes.replace('"send"', '"reason": null, "reason": null, "send"'),
        "an unknown name": yes.replace('"send"', '"new": 1, "new": 2, "send"'),
        "a name inside an unknown member": yes.replace('"send"', '"new": {"a": 1, "a": 2}, "send"'),
        "a name inside a list of an unknown member": yes.replace('"send"', '"new": [{"a": 1, "a": 1}], "send"'),
        "an empty name": yes.replace('"send"', '"": 1, "": 2, "send"'), "__proto__": yes.replace('"send"', '"__proto__": 1, "__proto__": 2, "send"'),
    }.items():  # fmt: skip
        refused(f"a name twice: {name}", text)


def times() -> None:
    for seconds in (299, 240, 60, 1, 0, -1, -60, -240, -290):
        believed(f"asOf {seconds} seconds away", body(YES, as_of=f"@now{seconds:+}@"))
    for seconds in (330, 400, 600, 3600, 86_400, 31_536_000, -301, -310, -600, -3600, -86_400, -31_536_000):
        refused(f"asOf {seconds} seconds away", body(YES, as_of=f"@now{seconds:+}@"))
    wrong: list[Any] = [None, "", "now", 0, 1_795_000_000, True, [], "2026-11-22", "03:00:00Z", "@now@Z", "@date+0@", "0001-01-01T00:00:00Z",
             "9999-12-31T23:59:59Z", "2026-13-01T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-22T03:00:00"]  # fmt: skip
    for value in wrong:
        refused(f"asOf is {json.dumps(value)}", json.dumps({"asOf": value, "results": [YES]}))
    refused("asOf in small letters", body(YES, as_of="@small@"))
    refused("no asOf", json.dumps({"results": [YES]}))
    refused("asof", body(YES).replace("asOf", "asof"))
    stale = body(YES, as_of="@now-301@")
    add("a stale answer, then one of now", [check("unavailable"), check([YES])], [stale, body(YES)], 2)
    add("an answer of now, then the same again, stale", [check([YES]), check("unavailable")], [body(YES), stale], 2)


def unknown() -> None:
    for name, value in {
        "a text": "x", "a number": 1, "null": None, "true": True, "a list": [1, [2, {"a": 3}]], "an object": {"send": False, "results": [], "reason": "stop"},
        "a big number": 10**400, "a fraction": 1.5e-300, "a long text": "@5000*å@", "nested lists": json.loads("[" * 50 + "]" * 50),
    }.items():  # fmt: skip
        believed(f"unknown in the answer: {name}", body(YES, new=value))
        believed(f"unknown in a result: {name}", body({**YES, "new": value}))
    believed("unknown in a no", body({**NO, "basis": None, "link": {"url": "x"}}), NO)
    believed("unknown forms of known additions", body({**YES, "basis": 1, "basisUntil": [], "evidence": {"form": [17]}}))
    believed("a name __proto__", body({"__proto__": {"send": False}, **YES}))
    believed("names of methods", body({"constructor": 1, "toString": 2, "__class__": 3, "items": 4, **YES}))
    believed("unknown headers", {"headers": {"X-New": "1", "Set-Cookie": "a=b", "Refresh": "0; url=@other@"}, "body": body(YES)})
    believed("a Location beside 200", {"headers": {"Location": "@other@/v1/check"}, "body": body(YES)})


def swaps() -> None:
    def keyed(*keys: str) -> str:
        return body(*[{"send": True, "key": key} for key in keys])

    def yes(*contacts: dict[str, str]) -> dict[str, Any]:
        return check([{"send": True}] * len(contacts), *contacts)

    def no(*contacts: dict[str, str]) -> dict[str, Any]:
        return check("unavailable", *contacts)

    first = yes(KARI, OLA)
    for name, calls, told in (
        ("the same again", [first, first], [keyed(A, B), keyed(A, B)]),
        ("asked in another order", [first, yes(OLA, KARI)], [keyed(A, B), keyed(B, A)]),
        ("answered in another order", [first, no(KARI, OLA)], [keyed(A, B), keyed(B, A)]),
        ("one result twice", [first, no(KARI, OLA)], [keyed(A, B), keyed(A, A)]),
        ("the other result twice", [first, no(KARI, OLA)], [keyed(A, B), keyed(B, B)]),
        ("shifted by one", [yes(KARI, OLA, PER), no(KARI, OLA, PER)], [keyed(A, B, C), keyed(B, C, D)]),
        ("swapped in a larger call", [yes(KARI), yes(OLA), no(PER, KARI, OLA)], [keyed(A), keyed(B), keyed(C, B, A)]),
        ("swapped with somebody new", [yes(KARI), no(OLA, KARI)], [keyed(A), keyed(A, B)]),
        ("swapped twice", [first, no(KARI, OLA), no(KARI, OLA)], [keyed(A, B), keyed(B, A), keyed(B, A)]),
        ("right again", [first, no(KARI, OLA), first], [keyed(A, B), keyed(B, A), keyed(A, B)]),
        ("all keys rotated", [first, first], [keyed(A, B), keyed(C, D)]),
        ("one key rotated", [first, first], [keyed(A, B), keyed(C, B)]),
        ("two spellings at once", [yes(KARI, KARI_ALIAS)], [keyed(A, A)]),
        ("two spellings again", [yes(KARI, KARI_ALIAS)] * 2, [keyed(A, A)] * 2),
        ("two spellings, rotated", [yes(KARI, KARI_ALIAS)] * 2, [keyed(A, A), keyed(B, B)]),
        ("a second spelling later", [yes(KARI), yes(KARI_ALIAS, KARI)], [keyed(A), keyed(A, A)]),
        ("a second spelling first", [yes(NUMBER), yes(HOME_NUMBER, NUMBER)], [keyed(A), keyed(A, A)]),
        ("the key of another who keeps it", [yes(KARI), no(KARI, OLA)], [keyed(A), keyed(A, A)]),
        ("a second spelling alone", [yes(KARI), yes(KARI_ALIAS)], [keyed(A), keyed(A)]),
        ("a key of two channels", [no(KARI, NUMBER)], [keyed(A, A)]),
        ("a key of two channels, apart", [no(KARI, OLA, NUMBER)], [keyed(A, B, A)]),
        ("two ways to write a number", [yes(NUMBER, HOME_NUMBER)], [keyed(A, A)]),
        ("the same contact twice", [yes(KARI, KARI)], [keyed(A, A)]),
        ("a swapped no", [first, no(KARI, OLA)], [keyed(A, B), body({**NO, "key": B}, YES)]),
        ("a no that has no key", [first, check([{"reason": "stop"}, YES_TOO], KARI, OLA)],
         [keyed(A, B), body({"send": False, "reason": "stop"}, YES_TOO)]),
    ):  # fmt: skip
        add(f"keys: {name}", calls, told, len(told))


def retries() -> None:
    for status in (429, 502, 503, 504):
        for wait in ("0", "1", "@date+1@", "@date-100@"):
            later = {"status": status, "headers": {"Retry-After": wait}, "body": body(YES_TOO)}
            add(f"{status}, Retry-After {wait}, then a yes", [check([YES])], [later, body(YES)], 2, timeout=6000)
        page = {"status": status, "headers": {"Content-Type": "text/html"}, "body": "<h1>Later</h1>"}
        add(f"{status} with a page, then a yes", [check([YES])], [page, body(YES)], 2, timeout=6000)
        now = {"status": status, "headers": {"Retry-After": "0"}}
        add(f"{status} again and again", [check("unavailable")], [now], 3, timeout=6000)
        add(f"{status} without retries", [check("unavailable")], [now, body(YES)], 1, retries=0)
        add(f"{status} once too often", [check("unavailable")], [now, now, body(YES)], 2, retries=1)
        for wait in ("3600", "99999999999999999999999", "@date+3600@", "Fri, 31 Dec 9999 23:59:59 GMT"):
            later = {"status": status, "headers": {"Retry-After": wait}}
            add(f"{status}, Retry-After {wait}", [check("unavailable")], [later, body(YES)], 1, timeout=4000)
    for wait in ("", "soon", "-1", "1.5", "1e3", "0x1", "NaN", "1 2", "2026-11-22T03:00:00Z", "Sun, 99 Nov 2026 03:00:00 GMT"):
        later = {"status": 503, "headers": {"Retry-After": wait}}
        add(f"Retry-After {wait!r} is none", [check([YES])], [later, body(YES)], 2, timeout=6000)
    now = {"status": 503, "headers": {"Retry-After": "0"}}
    add("a mixture of faults, then a yes", [check([YES])], [now, {"fault": "reset"}, body(YES)], 3, timeout=6000)
    for then, bad in (("a redirect", {"status": 302, "headers": {"Location": "@other@"}}), ("a refusal", {"status": 403}), ("OK", "OK")):
        add(f"busy, then {then}", [check("unavailable")], [now, bad, body(YES)], 2)
    for status in (400, 401, 403, 404, 408, 413, 500):
        add(f"{status} is not repeated", [check("unavailable")], [{"status": status, "headers": {"Retry-After": "0"}}, body(YES)], 1)


def connections() -> None:
    for fault in ("reset", "close", "cut", "cut-chunked", "cut-head", "noise"):
        broken = {"fault": fault, "body": body(YES)}
        add(f"{fault}, then a yes", [check([YES])], [broken, body(YES)], 2, timeout=6000)
        add(f"{fault}, without retries", [check("unavailable")], [broken, body(YES)], 1, retries=0)
    add("reset again and again", [check("unavailable")], [{"fault": "reset"}], 3, timeout=6000)
    for fault in ("hang", "hang-body", "drip", "drip-head"):
        add(f"{fault} beyond the time limit", [check("unavailable")], [{"fault": fault, "body": body(YES)}], 1, timeout=1500)
    slow = {"fault": "slow", "body": body(YES)}
    add("a slow answer", [check([YES])], [slow], 1, timeout=6000)
    add("a slow answer, beyond the time limit", [check("unavailable")], [slow], 1, timeout=1000)
    busy = {"fault": "slow", "status": 503, "headers": {"Retry-After": "0"}}
    add("retries beyond the time limit", [check("unavailable")], [busy], None, timeout=700, retries=100)
    add("two calls in a row, one over", [check("unavailable"), check([YES])], [{"fault": "hang"}, body(YES)], 2, timeout=4000)
    believed("chunks", {"fault": "chunked", "body": body(YES)})
    refused("a body of nine megabytes", {"fault": "long", "body": body(YES)})
    believed("a body of some megabytes", body({**YES, "new": "@3000000*x@"}))


def maysend() -> None:
    ask = {"channel": "email", "address": "kari@example.no", "scope": "acme"}
    for name, answer, expect in (
        ("a yes", body(YES), True), ("a no", body(NO), False), ("nothing", "", False), ("two results", body(YES, YES), False),
        ("no result", body(), False), ("send 1", body({**YES, "send": 1}), False), ("a reason", body({**YES, "reason": "stop"}), False),
        ("stale", body(YES, as_of="@now-900@"), False), ("a redirect", {"status": 307, "headers": {"Location": "@other@/v1/check"}}, False),
        ("an error", {"status": 500, "body": body(YES)}, False), ("a page", {"headers": {"Content-Type": "text/html"}, "body": body(YES)}, False),
    ):  # fmt: skip
        add(f"maySend: {name}", [{"call": "maySend", "with": ask, "expect": expect}], [answer])
    add("maySend asks about one contact", [{"call": "maySend", "with": ask, "expect": True}], [body(YES)], request={"scope": "acme", "contacts": [KARI]})
    for name, address in (("nothing", ""), ("a line break", "kari@example.no\r\nX-Header: 1"), ("an emoji", "🐟@example.no"), ("a backslash", "a\\ud800@example.no")):
        asked = {**ask, "address": address}
        sent = {"scope": "acme", "contacts": [{"channel": "email", "address": address}]}
        add(f"an address is sent as it is: {name}", [{"call": "maySend", "with": asked, "expect": False}], [body(NO)], request=sent)


def requests() -> None:
    for name, more, request in (
        ("a purpose", {"purpose": "transactional"}, {"scope": "acme", "purpose": "transactional", "contacts": [KARI]}),
        ("a required basis", {"require": "basis"}, {"scope": "acme", "require": "basis", "contacts": [KARI]}),
    ):
        add(f"asks with {name}", [check([YES], KARI, **more)], [body(YES)], request=request)
    add("asks with a region", [check([YES], HOME_NUMBER)], [body(YES)], request={"scope": "acme", "contacts": [HOME_NUMBER]})
    add("asks in order", [check([YES, YES_TOO], OLA, KARI)], [body(YES, YES_TOO)], request={"scope": "acme", "contacts": [OLA, KARI]})


def changes() -> None:
    url = "https://l.example/e/T"
    headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    link = {"key": A, "url": url, "headers": headers}
    added, lifted = {"added": True, "suppressed": True, "key": A}, {"released": True, "key": A}
    optout = {"scope": "acme", "reason": "objection", "contacts": [KARI], "at": SINCE, "note": "ticket-81"}
    consent = {"scope": "acme", "contacts": [KARI], "consentedAt": SINCE, "evidence": "form-17"}
    order = {"scope": "acme", "lang": "nb", "contacts": [KARI]}
    goods: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
        "links": (order, [link, {"reason": "invalid-address"}, {**link, "new": 1}]),
        "suppress": (optout, [added, {"added": False, "suppressed": True, "key": A}, {"added": True}, {**added, "new": []},
                              {"added": False, "suppressed": False, "reason": "older-than-consent", "key": A},
                              {"added": False, "reason": "invalid-address"}]),
        "release": (consent, [lifted, {"released": False, "reason": "needs-operator", "key": A}, {**lifted, "new": None}]),
    }  # fmt: skip
    bads: dict[str, list[Any]] = {
        "links": [{}, {"url": ""}, {"url": url}, {**link, "headers": {}}, {**link, "headers": {"List-Unsubscribe": 1}}, {**link, "reason": "x"}, {**link, "url": 1}],
        "suppress": [{}, {"added": 1}, {"added": "true"}, {"added": None}, {"added": True, "reason": "invalid-address"}, {**added, "suppressed": "yes"}],
        "release": [{}, {"released": 1}, {"released": False}, {"released": True, "reason": "not-suppressed"}, {"released": None}],
    }  # fmt: skip
    for call, (request, results) in goods.items():
        for n, result in enumerate(results):
            told = {name: value for name, value in result.items() if name != "new"}
            add(f"{call}: good {n}", [{"call": call, "with": request, "expect": [told]}], [json.dumps({"results": [result]})], request=request)
        good = json.dumps({"results": [results[0]]})
        failed: list[tuple[str, Any]] = [(f"bad {n}", json.dumps({"results": [result]})) for n, result in enumerate(bads[call])]
        failed += [
            ("nothing", ""), ("no results", "{}"), ("too few", '{"results": []}'), ("null", '{"results": [null]}'), ("too many", json.dumps({"results": [results[0]] * 2})),
            ("a name twice", good.replace('"key"', '"key": "B", "key"')), ("a page", {"headers": {"Content-Type": "text/html"}, "body": good}),
            ("a redirect", {"status": 308, "headers": {"Location": "@other@"}, "body": good}), ("an error", {"status": 500, "body": good}),
            ("a refusal that repeats the request", {"status": 400, "headers": {"Content-Type": "application/problem+json"}, "body": json.dumps(
                {"title": "kari@example.no is bad", "errors": [{"pointer": "/@key@", "detail": "+47 912 34 567 with @key@"}]})}),
        ]  # fmt: skip
        for name, answer in failed:
            add(f"{call}: {name}", [{"call": call, "with": request, "expect": "error"}], [answer])
        busy = {"status": 503, "headers": {"Retry-After": "0"}}
        add(f"{call}: busy, then done", [{"call": call, "with": request, "expect": [{"key": A}]}], [busy, good], 2)


for part in (answers, statuses, redirects, types, no_json, shapes, counts, twice, times, unknown, swaps, retries,
             connections, maysend, requests, changes):  # fmt: skip
    part()
for vector in vectors:
    print(json.dumps(vector, separators=(",", ":")))
