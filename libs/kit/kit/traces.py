"""Traces, in OpenTelemetry's words, sent by OTLP to OTEL_EXPORTER_OTLP_ENDPOINT; without it they cost nothing.

A trace is what one action causes, so its id is the correlation id, which every event carries already. The span of a
fact has an id that follows from the fact's own: whoever hears of it knows its parent from the envelope, by whatever way
it came, and the contract of events stays as it is.
"""

import json
import os
import re
import secrets
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException
from typing import Any, Final
from uuid import UUID

import structlog
from prometheus_client import Counter

from kit import context

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5  # OTLP's kinds of spans
FAILED = 2  # OTLP's status of an error
SPANS_WAITING_MAX: Final = 20_000
SPANS_AT_ONCE: Final = 1_000
SEND_EVERY_SECONDS: Final = 1.0
SEND_TIMEOUT_SECONDS: Final = 5.0
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")

spans_lost = Counter("trace_spans_lost_total", "Spans that nobody took in time")
log = structlog.get_logger()


@dataclass(slots=True)
class Span:
    """Something that took a while. Times are nanoseconds since 1970; ids are in hexadecimal, as W3C writes them."""

    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    began: int
    ended: int = 0
    failed: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


remote_parent: ContextVar[str] = ContextVar("remote_parent", default="")
_current: ContextVar[Span | None] = ContextVar("span", default=None)
_exporter: "Exporter | None" = None
_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


def begin(service: str) -> None:
    """Trace from now on if this process was told where to; `service` is what its spans are said to be of."""
    global _exporter  # noqa: PLW0603 - like the logs, one for the process
    if _exporter is None and (endpoint := os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        _exporter = Exporter(service, endpoint)
        threading.Thread(target=_exporter.run, name="traces", daemon=True).start()


def is_on() -> bool:
    """Whether spans are wanted."""
    return _exporter is not None


def id_of(fact: UUID) -> str:
    """Return the id of a fact's span: the part of the fact's id that is random."""
    return f"{fact.int & (1 << 64) - 1:016x}"


def traceparent(fact: UUID, correlation: UUID) -> str:
    """Return what names a fact's span to others, in W3C's form."""
    return f"00-{correlation.hex}-{id_of(fact)}-01"


def span(name: str, kind: int, cause: UUID | None = None, **attributes: str) -> AbstractContextManager[Span | None]:
    """Trace what is done in here, as a part of what is being done, or of the fact that caused it."""
    return _NOTHING if _exporter is None else _traced(_exporter, name, kind, cause, attributes)


@contextmanager
def _traced(
    exporter: "Exporter", name: str, kind: int, cause: UUID | None, attributes: dict[str, str]
) -> Iterator[Span]:
    around = _current.get()
    parent = id_of(cause) if cause else around.span_id if around else remote_parent.get()
    trace_id = context.correlation_id().hex
    running = Span(name, kind, trace_id, secrets.token_hex(8), parent, time.time_ns(), attributes=attributes)
    token = _current.set(running)
    try:
        yield running
    except BaseException:
        running.failed = True
        raise
    finally:
        _current.reset(token)
        running.ended = time.time_ns()
        exporter.take(running)


def telling(facts: Sequence[tuple[UUID, str]]) -> Callable[[], Awaitable[None]]:
    """Return what traces facts (id and type) once they are true: what the present action has caused."""
    around, cause, trace_id, at = _current.get(), context.causation.get(), context.correlation_id().hex, time.time_ns()
    parent = around.span_id if around else id_of(cause) if cause else ""

    async def tell() -> None:
        for fact, name in facts:
            _take(Span(name, PRODUCER, trace_id, id_of(fact), parent, at, time.time_ns()))

    return tell


def tell_published(fact: UUID, correlation: UUID, name: str, between: tuple[datetime, datetime]) -> None:
    """Trace a fact's way from its commit to the bus."""
    if _exporter is not None:
        began, ended = (int(moment.timestamp() * 1e9) for moment in between)
        ids = correlation.hex, secrets.token_hex(8), id_of(fact)
        _exporter.take(Span(f"publish {name}", CLIENT, *ids, began, ended))


def _take(span: Span) -> None:
    if _exporter is not None:
        _exporter.take(span)


class Exporter:
    """Sends spans by OTLP over HTTP, in JSON, from a thread of its own; what nobody takes is lost, and counted."""

    def __init__(self, service: str, endpoint: str) -> None:
        self._service = service
        self._url = f"{endpoint.rstrip('/')}/v1/traces"
        self._waiting: deque[Span] = deque()

    def take(self, span: Span) -> None:
        """Have a span sent soon; nobody waits for it."""
        if len(self._waiting) < SPANS_WAITING_MAX:
            self._waiting.append(span)
        else:
            spans_lost.inc()

    def run(self) -> None:
        """Send until the process ends."""
        while True:
            time.sleep(SEND_EVERY_SECONDS)
            self.send_waiting()

    def send_waiting(self) -> None:
        """Send what waits now, some at a time."""
        while self._waiting:
            self._send([self._waiting.popleft() for _ in range(min(len(self._waiting), SPANS_AT_ONCE))])

    def _send(self, spans: Sequence[Span]) -> None:
        body = json.dumps(_message(self._service, spans)).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - told to
        try:
            with urllib.request.urlopen(request, timeout=SEND_TIMEOUT_SECONDS) as answer:  # noqa: S310
                answer.read()
        except (OSError, ValueError, HTTPException) as failed:
            spans_lost.inc(len(spans))
            log.warning("spans are lost: nobody took them", error=repr(failed), count=len(spans))


def _message(service: str, spans: Sequence[Span]) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest, as the OTLP specification maps it to JSON."""
    resource = {"attributes": [_attribute("service.name", service)]}
    return {
        "resourceSpans": [
            {"resource": resource, "scopeSpans": [{"scope": {"name": "exodus"}, "spans": [*map(_shown, spans)]}]}
        ]
    }


def _shown(span: Span) -> dict[str, Any]:
    shown = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": [_attribute(*item) for item in span.attributes.items()],
    }
    if span.parent_id:
        shown["parentSpanId"] = span.parent_id
    if span.failed:
        shown["status"] = {"code": FAILED}
    return shown


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
