"""A real nginx with the rendered configuration, and ways to talk to it: polite ones and rude ones."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from kit.testing.issuer import Issuer
from kit.testing.serving import free_port

from gateway.render import render
from gateway.tests.credentials import make_certificate

MODULE = "/usr/lib/nginx/modules/ngx_http_js_module.so"
START_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 30
QUIET_SECONDS = 0.4


@dataclass(frozen=True)
class Edge:
    """One running gateway."""

    https_port: int
    http_port: int
    config: Path
    process: subprocess.Popen[bytes]
    issuer: Issuer
    context: ssl.SSLContext
    client: httpx.Client

    @property
    def certificate(self) -> Path:
        """Whom a client of this gateway has to trust."""
        return self.config.parent.parent / "certificate.pem"

    @property
    def https(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        """Send one request over TLS, with an access token if one is given."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.client.request(method, self.https + path, headers=headers, **options)

    def connect(self, *protocols: str) -> ssl.SSLSocket:
        """Open a TLS connection and leave the rest to the caller."""
        plain = socket.create_connection(("127.0.0.1", self.https_port), timeout=ANSWER_SECONDS_MAX)
        context = self.context
        if protocols:
            context = ssl.create_default_context(cafile=str(self.certificate))
            context.set_alpn_protocols(list(protocols))
        return context.wrap_socket(plain, server_hostname="localhost")

    def raw(self, *parts: bytes, pause_seconds: float = 0.02) -> bytes:
        """Send these bytes over TLS as they are, and return everything that comes back until it is quiet."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_seconds)
            return _received(connection)


def _received(connection: ssl.SSLSocket) -> bytes:
    received = b""
    connection.settimeout(ANSWER_SECONDS_MAX)  # for the first word of a busy machine
    try:
        while chunk := connection.recv(65536):
            received += chunk
            connection.settimeout(QUIET_SECONDS)
    except (TimeoutError, ConnectionResetError, ssl.SSLEOFError):
        pass
    return received


def statuses(answer: bytes) -> list[int]:
    """The status of every HTTP/1.1 answer in a row of them."""
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that an answer is a whole problem+json with this status and code."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    body: dict[str, Any] = json.loads(answer.text)
    assert set(body) == {"type", "title", "status", "detail", "code", "request_id", "trace_id", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["trace_id"] == answer.headers["x-trace-id"]
    return body


@contextmanager
def running_edge(
    folder: Path,
    upstreams: dict[str, str],
    *,
    changes: Mapping[str, Mapping[str, str]] | None = None,
    web_root: Path | None = None,
    keys: Mapping[str, object] | None = None,
    allowed: Sequence[str] = (),
) -> Iterator[Edge]:
    """Render into `folder`, start nginx there and stop it at the end.

    `changes` replaces one text by another in a rendered file, as an operator who turns a knob would: path → {old: new}.
    """
    issuer = Issuer.new()
    keys_file = folder / "keys.json"
    keys_file.write_text(json.dumps(issuer.public_keys() if keys is None else keys))
    certificate, key = make_certificate(folder)
    https_port, http_port = free_port(), free_port()
    config = render(
        folder / "nginx",
        https_port=https_port,
        http_port=http_port,
        upstreams=upstreams,
        certificate=certificate,
        key=key,
        keys_file=keys_file,
        module_path=MODULE,
        log_dir=folder / "log",
        web_root=web_root,
        allowed=allowed,
    )
    for path, replacements in (changes or {}).items():
        text = (config.parent / path).read_text()
        for old, new in replacements.items():
            assert old in text, f"{path} does not hold {old!r}"
            text = text.replace(old, new)
        (config.parent / path).write_text(text)
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/sbin")
    assert nginx is not None, "install nginx and libnginx-mod-http-js"
    with (folder / "nginx.out").open("wb") as output:
        process = subprocess.Popen([nginx, "-e", "stderr", "-c", str(config)], stdout=output, stderr=output)
    try:
        _wait_for(https_port, process, folder / "nginx.out")
        context = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(verify=context, timeout=ANSWER_SECONDS_MAX) as client:
            yield Edge(https_port, http_port, config, process, issuer, context, client)
    finally:
        process.terminate()
        process.wait(ANSWER_SECONDS_MAX)


def _wait_for(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        assert process.poll() is None, output.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.02)
        else:
            return
