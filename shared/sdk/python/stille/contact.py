"""Contacts, as a caller gives them, and the keys that the API gave for them."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias


class Contact(NamedTuple):
    """An address or a number on a channel: ``"email"`` or ``"sms"``.

    ``region`` is the ISO 3166 code of a number without ``+`` or ``00``.
    """

    channel: str
    address: str
    region: str | None = None

    def __repr__(self) -> str:
        return "<a contact>"


GivenContact: TypeAlias = "Contact | tuple[str, str] | tuple[str, str, str | None]"


def read_contacts(given: Iterable[GivenContact]) -> list[Contact]:
    """Return the contacts. A contact of another shape is the caller's mistake."""
    contacts = []
    for n, item in enumerate(given):
        if (
            not isinstance(item, tuple | list)
            or not 2 <= len(item) <= 3
            or not all(isinstance(text, str) for text in item[:2])
        ):
            raise ValueError(f"contact {n} must be (channel, address) or (channel, address, region), all text")
        contact = Contact(*item)
        if not isinstance(contact.region, str | None):
            raise ValueError(f"the region of contact {n} must be text or None")
        contacts.append(contact)
    return contacts


class Keys:
    """Remembers the last key of each contact, to notice answers that were swapped."""

    LIMIT = 10_000

    def __init__(self) -> None:
        self._last: OrderedDict[Contact, str] = OrderedDict()
        self._lock = threading.Lock()

    def accept(self, contacts: Sequence[Contact], keys: Sequence[str | None]) -> bool:
        """Remember the keys of one answer and return True, or return False if results look swapped."""
        with self._lock:
            if _on_two_channels(contacts, keys) or self._swapped(contacts, keys):
                return False
            for contact, key in zip(contacts, keys, strict=True):
                if key is not None:
                    self._last[contact] = key
                    self._last.move_to_end(contact)
            while len(self._last) > self.LIMIT:
                self._last.popitem(last=False)
            return True

    def _swapped(self, contacts: Sequence[Contact], keys: Sequence[str | None]) -> bool:
        answered = dict(zip(contacts, keys, strict=True))
        owners: dict[str, list[Contact]] = {}
        for contact in answered:
            if contact in self._last:
                owners.setdefault(self._last[contact], []).append(contact)
        for contact, key in zip(contacts, keys, strict=True):
            own = self._last.get(contact)
            if key is None or key == own or key not in owners:
                continue
            # A second spelling of one address has the key of the first, which keeps it.
            if own is not None or not all(answered[first] == key and _alike(first, contact) for first in owners[key]):
                return True
        return False


def _alike(one: Contact, other: Contact) -> bool:
    """Tell whether two contacts may be spellings of one: but for case and space, or the same last digits."""
    if one.channel != other.channel:
        return False
    if one.channel == "email":
        return one.address.strip().casefold() == other.address.strip().casefold()
    return re.sub(r"\D", "", one.address)[-7:] == re.sub(r"\D", "", other.address)[-7:]


def _on_two_channels(contacts: Sequence[Contact], keys: Sequence[str | None]) -> bool:
    channels: dict[str, str] = {}
    return any(
        key is not None and channels.setdefault(key, contact.channel) != contact.channel
        for contact, key in zip(contacts, keys, strict=True)
    )
