"""Puts a person's unsubscribe link into a request of SES v2."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from .answer import Link

_LINK, _POST = "List-Unsubscribe", "List-Unsubscribe-Post"
_ONE_CLICK = "List-Unsubscribe=One-Click"

#: How many characters SES takes for a header's name and value together.
_LONGEST_HEADER = 996

#: Replaced by the link in the bodies of a Simple message; members of the data of a
#: Template. The second is SES's own name.
_PLACEHOLDERS = ("unsubscribeUrl", "amazonSESUnsubscribeUrl")


class Refused(Exception):
    """A message that cannot carry its link. The text says what to change, and holds no address and no link."""


def add_link(request: dict[str, Any], link: Link, *, brand: str, configuration_set: str) -> dict[str, Any]:
    """Return the request to one recipient with the link, the configuration set and the brand's tag."""
    _check(link)
    if request.get("ListManagementOptions") is not None:
        raise Refused("with ListManagementOptions, SES replaces the link")
    if (request.get("ConfigurationSetName") or configuration_set) != configuration_set:
        raise Refused("it has another configuration set")
    tags = list(request.get("EmailTags") or [])
    named = [tag["Value"] for tag in tags if tag["Name"] == "brand"]
    if any(value != brand for value in named):
        raise Refused(f"it is tagged with another brand than {brand}")
    if not named:
        tags.append({"Name": "brand", "Value": brand})
    content = _content(request.get("Content"), link)
    return {**request, "Content": content, "ConfigurationSetName": configuration_set, "EmailTags": tags}


def add_link_to_entry(
    request: dict[str, Any], entry: dict[str, Any], link: Link, *, brand: str, configuration_set: str
) -> dict[str, Any]:
    """Return an entry of a bulk with the link, and with all tags and data that are the entry's.

    SES takes those of the request for none of the entry's own.
    """
    template = (request.get("DefaultContent") or {}).get("Template")
    if template is None:
        raise Refused("many are sent a Template, and it has none")
    own = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
    data = own.get("ReplacementTemplateData") or template.get("TemplateData")
    tags = list(entry.get("ReplacementTags") or [])
    names = [tag["Name"] for tag in tags]
    tags += [tag for tag in request.get("DefaultEmailTags") or [] if tag["Name"] not in names]
    message = {
        "Content": {"Template": {"TemplateData": data, "Headers": entry.get("ReplacementHeaders")}},
        "ConfigurationSetName": request.get("ConfigurationSetName"),
        "EmailTags": tags,
    }
    linked = add_link(message, link, brand=brand, configuration_set=configuration_set)
    filled = linked["Content"]["Template"]
    return {
        **entry,
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": filled["TemplateData"]}},
        "ReplacementHeaders": filled["Headers"],
        "ReplacementTags": linked["EmailTags"],
    }


def _check(link: Link) -> None:
    """Refuse a link that a mailbox provider would not take, or that could add another header line."""
    for name in (_LINK, _POST):
        value = link.headers.get(name, "")
        if not value:
            raise Refused(f"the link has no header {name}")
        if len(name) + len(value) > _LONGEST_HEADER:
            raise Refused(f"the header {name} is longer than the {_LONGEST_HEADER} characters that SES takes")
        if not re.fullmatch(r"[ -~]+", value):
            raise Refused(f"the header {name} holds a line break or another character that no header may")
    if not link.url or f"<{link.url}>" not in link.headers[_LINK]:
        raise Refused(f"the header {_LINK} does not hold the link")
    if link.headers[_POST] != _ONE_CLICK:
        raise Refused(f"the header {_POST} must be {_ONE_CLICK}")


def _content(content: Any, link: Link) -> dict[str, Any]:
    forms = [form for form in ("Simple", "Template", "Raw") if (content or {}).get(form) is not None]
    if len(forms) != 1:
        raise Refused(f"its content must be one of Simple, Template and Raw, and is {len(forms)} of them")
    form = forms[0]
    add = {"Simple": _simple, "Template": _template, "Raw": _raw}[form]
    return {form: add(content[form], link)}


def _headers(given: Any, link: Link) -> list[dict[str, str]]:
    headers = list(given or [])
    for header in headers:
        _refuse_ours(header["Name"])
    return headers + [{"Name": name, "Value": link.headers[name]} for name in (_LINK, _POST)]


def _refuse_ours(name: str) -> None:
    if name.lower() in (_LINK.lower(), _POST.lower()):
        raise Refused(f"it has a header {_LINK if name.lower() == _LINK.lower() else _POST} already")


def _simple(message: dict[str, Any], link: Link) -> dict[str, Any]:
    headers = _headers(message.get("Headers"), link)
    body = dict(message.get("Body") or {})
    url = link.url or ""
    for part, written in (("Text", url), ("Html", html.escape(url))):
        if body.get(part):
            data = body[part]["Data"]
            for name in _PLACEHOLDERS:
                data = data.replace("{{" + name + "}}", written)
            body[part] = {**body[part], "Data": data}
    return {**message, "Body": body, "Headers": headers}


def _template(template: dict[str, Any], link: Link) -> dict[str, Any]:
    data = (template.get("TemplateData") or "").strip() or "{}"
    try:
        members = json.loads(data)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise Refused("its TemplateData is not a JSON object")
    for name in _PLACEHOLDERS:
        if name in members:
            raise Refused(f"its TemplateData has a member {name} already")
    added = json.dumps(dict.fromkeys(_PLACEHOLDERS, link.url))[1:]
    # The caller's own members stay as they are written.
    data = data[:-1].rstrip() + ("," if members else "") + added
    return {**template, "TemplateData": data, "Headers": _headers(template.get("Headers"), link)}


def _raw(raw: dict[str, Any], link: Link) -> dict[str, Any]:
    """Put the header lines above those of a MIME message, with the message's own line ends."""
    data = raw.get("Data")
    if not isinstance(data, bytes | bytearray):
        raise Refused("its raw data must be bytes")
    head = re.split(rb"\r?\n\r?\n", bytes(data), maxsplit=1)
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head[0]).splitlines()
    fields = [re.fullmatch(rb"([!-9;-~]+):(.*)", line, re.DOTALL) for line in lines]
    if len(head) < 2 or not lines:
        raise Refused("its raw data does not begin with header lines")
    recipients = 0
    for found in fields:
        if found is None:
            raise Refused("its raw data does not begin with header lines")
        name = found[1].decode("ascii").lower()
        _refuse_ours(name)
        if name == "dkim-signature":
            raise Refused("it is signed already, and the signature would not cover the link: sign it afterwards")
        if name in ("to", "cc", "bcc"):
            recipients += found[2].count(b"@") + found[2].count(b",")
    if recipients > 1:
        raise Refused("it has several recipients: a link is one person's")
    end = b"\r\n" if data.split(b"\n", 1)[0].endswith(b"\r") else b"\n"
    ours = b"".join(f"{name}: {link.headers[name]}".encode("ascii") + end for name in (_LINK, _POST))
    return {**raw, "Data": ours + bytes(data)}
