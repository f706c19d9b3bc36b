"""Requests to addresses that clients name."""

from __future__ import annotations

import io
import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from diarspk.errors import ArgumentError, AudioError
from diarspk.server.url_fetching import AddressPolicy, fetch, is_public, post


@contextmanager
def web_server(pages: dict[str, tuple[int, dict[str, str], bytes]]) -> Iterator[int]:
    """Serve pages on 127.0.0.1; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = pages[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", False),
    ],
)
def test_public_addresses_are_told_from_others(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_a_name_of_which_one_address_is_private_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(host: str, port: int, **_: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("8.8.8.8", "10.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(ArgumentError, match="of a public address"):
        fetch("http://two.example/a", io.BytesIO(), AddressPolicy(public=True), max_bytes=9)


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that means another address when it is asked for again is not asked for again."""
    asked, called = [], []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        called.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(AudioError, match=r"cannot be fetched \(OSError\)"):
        fetch("https://once.example/a", io.BytesIO(), AddressPolicy(public=True), max_bytes=9)
    assert (asked, called) == (["once.example"], [("8.8.8.8", 443)])


def test_a_host_that_is_named_is_fetched_from_and_its_redirects_are_checked() -> None:
    pages = {
        "/a": (200, {}, b"recording"),
        "/to-a": (302, {"Location": "/a"}, b""),
        "/away": (302, {"Location": "http://169.254.169.254/latest"}, b""),
        "/file": (302, {"Location": "file:///etc/passwd"}, b""),
        "/loop": (302, {"Location": "/loop"}, b""),
        "/gone": (404, {}, b"none"),
    }
    with web_server(pages) as port:
        policy = AddressPolicy(hosts=(f"127.0.0.1:{port}",))
        base = f"http://127.0.0.1:{port}"
        for path in ("/a", "/to-a"):
            target = io.BytesIO()
            fetch(base + path, target, policy, max_bytes=9)
            assert target.getvalue() == b"recording"
        for path, told in (("/away", "no other host"), ("/file", "must begin with https")):
            with pytest.raises(ArgumentError, match=told):
                fetch(base + path, io.BytesIO(), policy, max_bytes=9)
        with pytest.raises(AudioError, match="has more than 8 bytes"):
            fetch(f"{base}/a", io.BytesIO(), policy, max_bytes=8)
        with pytest.raises(AudioError, match="redirects more than 3 times"):
            fetch(f"{base}/loop", io.BytesIO(), policy, max_bytes=8)
        with pytest.raises(AudioError, match="status 404"):
            fetch(f"{base}/gone", io.BytesIO(), policy, max_bytes=8)
        assert post(f"{base}/to-a", b"body", {}, policy).status == 302  # not followed
        with pytest.raises(ArgumentError):
            fetch(f"http://localhost:{port}/a", io.BytesIO(), policy, max_bytes=9)
