"""Posts to the API: within a time limit as a whole, to this address alone."""

from __future__ import annotations

import http.client
import io
import ipaddress
import random
import re
import socket
import ssl
import time
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from .answer import Error, read_problem

#: How many bytes of an answer are read.
LONGEST = 8 << 20

#: Statuses that say to try again.
_BUSY = (429, 502, 503, 504)


class _Failure(NamedTuple):
    error: Error
    again: bool = False  # another attempt may help
    wait: float | None = None  # seconds, as the API says


class _Wire(io.RawIOBase):
    """A socket to read from until a deadline, however slowly the bytes arrive."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(_left(self._deadline))
        count = self._connection.recv_into(buffer)
        self.ended = count == 0
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class Transport:
    """The way to one API, with a tool's key."""

    def __init__(self, base: str, key: str, timeout: float, retries: int) -> None:
        url = _parse(base)
        if url is None:
            raise ValueError("the address of the API must be like https://host")
        if url.scheme == "http" and not _this_machine(url.hostname or ""):
            raise ValueError("the API key would travel in the clear: use https")
        if not isinstance(key, str) or not re.fullmatch(r"[!-~]+", key):
            raise ValueError("the API key must be printable ASCII without spaces")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < 86_400:
            raise ValueError("timeout must be a number of seconds above 0")
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError("retries must be a whole number from 0")
        self.timeout = timeout
        self._retries = retries
        self._url = url
        # A function, so that no way of printing this object shows the key.
        self._key: Callable[[], str] = lambda: key
        self._tls = ssl.create_default_context() if url.scheme == "https" else None

    def __repr__(self) -> str:
        return f"{self._url.scheme}://{self._url.netloc}{self._url.path}"

    def post(self, route: str, body: bytes, deadline: float) -> bytes | Error:
        """Return the body of the answer 200, or what went wrong."""
        for attempt in range(self._retries + 1):
            answer = self._attempt(route, body, deadline)
            if isinstance(answer, bytes):
                return answer
            wait = _backoff(attempt) if answer.wait is None else answer.wait
            if not answer.again or attempt == self._retries or time.monotonic() + wait >= deadline:
                return answer.error
            time.sleep(wait)
        raise AssertionError("the last attempt returns")

    def _attempt(self, route: str, body: bytes, deadline: float) -> bytes | _Failure:
        try:
            connection = self._connect(deadline)
            try:
                connection.settimeout(_left(deadline))
                connection.sendall(self._head(route, len(body)) + body)
                return self._read(_Wire(connection, deadline))
            finally:
                connection.close()
        except TimeoutError:
            return _Failure(Error("the API did not answer in time"))
        except (OSError, http.client.HTTPException, ValueError):
            return _Failure(Error("the connection to the API broke"), again=True)

    def _connect(self, deadline: float) -> socket.socket:
        host = self._url.hostname or ""
        port = self._url.port or (443 if self._tls else 80)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for n, (family, kind, protocol, _, address) in enumerate(found):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(_left(deadline) / (len(found) - n))
                connection.connect(address)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is None:
                    return connection
                connection.settimeout(_left(deadline))
                return self._tls.wrap_socket(connection, server_hostname=host)
            except OSError:
                connection.close()
                if n == len(found) - 1:
                    raise
        raise OSError

    def _head(self, route: str, length: int) -> bytes:
        lines = [
            f"POST {self._url.path.rstrip('/')}{route} HTTP/1.1",
            f"Host: {self._url.netloc}",
            f"Authorization: Bearer {self._key()}",
            "Content-Type: application/json",
            f"Content-Length: {length}",
            "Accept-Encoding: identity",
            "Connection: close",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def _read(self, wire: _Wire) -> bytes | _Failure:
        response = http.client.HTTPResponse(wire, method="POST")  # type: ignore[arg-type]  # it needs makefile alone
        response.begin()  # follows no redirect
        if wire.ended:
            raise http.client.IncompleteRead(b"")  # its head was cut off
        text = response.read(LONGEST + 1)
        if response.status != 200:
            error = read_problem(text, response.status, self._key())
            again = response.status in _BUSY
            return _Failure(error, again, _retry_after(response.getheader("Retry-After")) if again else None)
        if len(text) > LONGEST:
            return _Failure(Error("the API's answer cannot be used: it is too long"))
        if response.length:
            return _Failure(Error("the API's answer cannot be used: it was cut off"), again=True)
        kind = (response.getheader("Content-Type") or "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            return _Failure(Error("the API's answer cannot be used: it is not JSON"))
        return text


def _parse(base: str) -> SplitResult | None:
    try:
        url = urlsplit(base)
        usable = url.hostname and (url.port is None or url.port > 0) and re.fullmatch(r"[!-~]+", base)
    except (AttributeError, TypeError, ValueError):
        return None
    if not usable or url.scheme not in ("http", "https") or "@" in url.netloc or url.query or url.fragment:
        return None
    return url


def _this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that the header says to wait, or None if it says nothing that can be read."""
    text = (header or "").strip()
    if re.fullmatch(r"\d+", text, re.ASCII):
        return float(text)
    try:
        moment = parsedate_to_datetime(text) if text.endswith("GMT") else None
    except (TypeError, ValueError, IndexError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        return None
    return max((moment - datetime.now(timezone.utc)).total_seconds(), 0.0)


def _backoff(attempt: int) -> float:
    """Return a wait that doubles with every attempt, from about a tenth of a second."""
    ceiling = 0.2 * (1 << min(attempt, 10))
    return ceiling / 2 + random.uniform(0, ceiling / 2)
