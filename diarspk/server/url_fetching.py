"""Requests to addresses that strangers name: public ones only, and never more than was agreed.

A name is resolved once, all its addresses are checked, and the connection goes to one of those, so
that a name cannot mean another address a moment later (DNS rebinding).
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from diarspk.errors import ArgumentError, AudioError

__all__ = ["AddressPolicy", "Answer", "fetch", "post"]

MAX_URL = 2048
MAX_REDIRECTS = 3
CHUNK_BYTES = 1 << 16
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AddressPolicy:
    """Which hosts may be called.

    Attributes
    ----------
    public : bool
        Any host whose addresses are all public.
    hosts : tuple of str
        Hosts, ``name`` or ``name:port``, whatever their addresses are.
    """

    public: bool = False
    hosts: tuple[str, ...] = ()

    def check(self, url: str) -> SplitResult:
        """Check what can be checked of a URL without a connection, and part it.

        Raises
        ------
        ArgumentError
            If it is no URL of http or https with a host, or the host may not be called.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ArgumentError("`url` must be a URL, got something else") from None
        plain = len(url) <= MAX_URL and url.isascii() and url.isprintable() and " " not in url
        if not plain or parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ArgumentError("`url` must begin with https:// or http:// and name a host")
        if parts.username is not None or parts.password is not None:
            raise ArgumentError("`url` must not hold a user or a password")
        if not self.is_named(parts.hostname, port):
            if not self.public:
                raise ArgumentError("`url` must be media://, this server calls no other host")
            literal = _literal(parts.hostname)
            if literal is not None and not is_public(literal):
                raise ArgumentError("`url` must be of a public address")
        return parts

    def is_named(self, host: str, port: int | None) -> bool:
        """Whether a host is among :attr:`hosts`."""
        return host in self.hosts or f"{host}:{port}" in self.hosts

    def resolve(self, host: str, port: int, named: bool) -> list[tuple[int, str]]:
        """Resolve a host to the family and text of its addresses, all of which may be called.

        Raises
        ------
        ArgumentError
            If one of them is not public.
        OSError
            If the host is not known.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [(int(family), str(where[0])) for family, _, _, _, where in found]
        if not named and not all(is_public(ipaddress.ip_address(text)) for _, text in addresses):
            raise ArgumentError("`url` must be of a public address")
        return addresses


@dataclass(frozen=True)
class Answer:
    """Status of an answer, and where it redirects to."""

    status: int
    location: str | None


def is_public(address: Address) -> bool:
    """Whether an address is in the public internet, also what is wrapped in it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def fetch(
    url: str,
    target: BinaryIO,
    policy: AddressPolicy,
    *,
    max_bytes: int,
    timeout_s: float = 30.0,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Fetch a recording into a file.

    Parameters
    ----------
    max_bytes
        Size from which it is refused.
    timeout_s
        Patience with a host that sends nothing.
    check
        Called after every chunk; what it raises ends the fetching.

    Raises
    ------
    ArgumentError
        If the URL may not be fetched.
    AudioError
        If the host does not give it.
    """

    def read(answer: http.client.HTTPResponse) -> None:
        size = 0
        while chunk := answer.read(CHUNK_BYTES):
            check()
            size += len(chunk)
            if size > max_bytes:
                raise AudioError(f"the recording of the URL has more than {max_bytes} bytes")
            target.write(chunk)

    for _ in range(MAX_REDIRECTS + 1):
        try:
            answer = _request("GET", url, policy, timeout_s, read=read)
        except (OSError, http.client.HTTPException) as error:
            reason = type(error).__name__
            raise AudioError(f"the recording of the URL cannot be fetched ({reason})") from None
        if answer.location is None:
            break
        url = urljoin(url, answer.location)
    else:
        raise AudioError(f"the URL redirects more than {MAX_REDIRECTS} times")
    if answer.status != 200:
        raise AudioError(f"the host of the URL answers with status {answer.status}")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    policy: AddressPolicy,
    *,
    timeout_s: float = 10.0,
) -> Answer:
    """Post a body; redirects are not followed.

    Raises
    ------
    ArgumentError
        If the URL may not be called.
    OSError, http.client.HTTPException
        If there is no answer.
    """
    return _request("POST", url, policy, timeout_s, body=body, headers=headers)


def _request(
    method: str,
    url: str,
    policy: AddressPolicy,
    timeout_s: float,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    read: Callable[[http.client.HTTPResponse], None] | None = None,
) -> Answer:
    parts = policy.check(url)
    host = str(parts.hostname)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    addresses = policy.resolve(host, port, policy.is_named(host, parts.port))
    connection = _connect(addresses, host, port, parts.scheme == "https", timeout_s)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    sent = {"User-Agent": "diarspk", "Accept-Encoding": "identity", **(headers or {})}
    try:
        connection.request(method, target, body=body, headers=sent)
        answer = connection.getresponse()
        redirected = answer.status in {301, 302, 303, 307, 308}
        location = answer.getheader("Location") if redirected else None
        if read is not None and answer.status == 200:
            read(answer)
        return Answer(answer.status, location)
    finally:
        connection.close()


def _connect(
    addresses: list[tuple[int, str]], host: str, port: int, tls: bool, timeout_s: float
) -> http.client.HTTPConnection:
    """Connect to one of the addresses, under the name of the host."""
    began, fault = time.monotonic(), OSError("no address")
    for _, address in addresses:
        left = timeout_s - (time.monotonic() - began)
        if left <= 0:
            break
        try:
            plain = socket.create_connection((address, port), timeout=left)
        except OSError as error:
            fault = error
            continue
        plain.settimeout(timeout_s)
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
        connection.default_port = 443 if tls else 80  # left out of the Host header
        try:
            connection.sock = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=host)
                if tls
                else plain
            )
        except OSError:
            plain.close()
            raise
        return connection
    raise fault


def _literal(host: str) -> Address | None:
    """Address that a host is, if it is none that has to be resolved."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
