"""A receiver of OTLP over HTTP in JSON: what a collector would take, kept for a test to look at."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECONDS_MAX = 20


@dataclass(frozen=True)
class Received:
    """A span, and which service sent it. Ids are those of the wire."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    nanoseconds: int
    failed: bool
    attributes: dict[str, str]


def read(message: dict[str, Any]) -> Iterator[Received]:
    """Read an ExportTraceServiceRequest; whatever the specification does not allow raises."""
    for group in message["resourceSpans"]:
        about = {item["key"]: item["value"]["stringValue"] for item in group["resource"]["attributes"]}
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                assert len(bytes.fromhex(span["traceId"])) == 16
                assert len(bytes.fromhex(span["spanId"])) == 8
                assert len(bytes.fromhex(span.get("parentSpanId", ""))) in {0, 8}
                yield Received(
                    service=about["service.name"],
                    name=span["name"],
                    kind=span["kind"],
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    nanoseconds=int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]),
                    failed=span.get("status", {}).get("code") == 2,
                    attributes={item["key"]: item["value"]["stringValue"] for item in span["attributes"]},
                )


@dataclass
class Receiver:
    """Where to send, and what came."""

    endpoint: str
    spans: list[Received] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, spans: Iterable[Received]) -> None:
        """Keep what came, and wake who waits for it."""
        with self.came:
            self.spans.extend(spans)
            self.came.notify_all()

    def until(self, enough: Callable[[list[Received]], bool]) -> list[Received]:
        """Wait until what came is enough."""
        with self.came:
            in_time = self.came.wait_for(lambda: enough(self.spans), SECONDS_MAX)
            assert in_time, [(span.service, span.name) for span in self.spans]
            return list(self.spans)


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Receive on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            assert self.headers["Content-Type"] == "application/json"
            receiver.take(read(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
