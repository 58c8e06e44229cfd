"""Traces: one tree for everything a request causes, told in OTLP, and nothing at all where nobody asked for them."""

import asyncio
from collections.abc import Iterator

import pytest
from kit import context, traces
from kit.consumer import Consumer
from kit.db import Database, Session
from kit.events import Envelope, record
from kit.http import name_request
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.otlp import Receiver, receiving

from libs.kit.tests.bus import NotePinned, PinnedFact, Reader, a_relay, running, wait_for_queue

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Somebody who takes spans, told by the variable that OpenTelemetry has for it."""
    monkeypatch.setattr(traces, "_exporter", None)
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
        traces.begin("noticeboard")
        yield receiver
    monkeypatch.undo()


async def test_what_a_request_causes_in_other_processes_hangs_below_it_in_one_trace(
    reader: Reader, fresh: TestDatabase, amqp_url: str, receiver: Receiver
) -> None:
    database = reader.database

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def copy(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        async with running(a_relay(fresh, amqp_url, database).run()):
            name_request("", f"00-{TRACE}-{PARENT}-01")
            owner, note = new_id(), new_id()
            with traces.span("POST /notes", traces.SERVER):
                async with database.owned(owner) as session:
                    await record(session, NotePinned(note_id=note, words="hello"), owner=owner)
            await reader.until(1)
            ours = await asyncio.to_thread(
                receiver.until, lambda spans: len({span.name for span in spans if span.trace_id == TRACE}) == 4
            )
    by_name = {span.name: span for span in ours if span.trace_id == TRACE}
    request, fact = by_name["POST /notes"], by_name["noticeboard.note.pinned.v1"]
    published, processed = by_name["publish noticeboard.note.pinned.v1"], by_name["process noticeboard.note.pinned.v1"]
    assert (request.parent_id, request.kind) == (PARENT, traces.SERVER)
    assert (fact.parent_id, fact.kind) == (request.span_id, traces.PRODUCER)
    assert published.parent_id == processed.parent_id == fact.span_id
    assert processed.kind == traces.CONSUMER
    assert published.nanoseconds > 0


async def test_a_fact_that_did_not_become_true_is_in_no_trace(database: Database, receiver: Receiver) -> None:
    name_request("", f"00-{TRACE}-{PARENT}-01")

    async def fail() -> None:
        with traces.span("fails", traces.SERVER):
            async with database.owned(owner := new_id()) as session:
                await record(session, NotePinned(note_id=new_id(), words="never"), owner=owner)
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    with traces.span("after", traces.SERVER):
        pass
    spans = receiver.until(lambda spans: {"fails", "after"} <= {span.name for span in spans})
    assert [(span.name, span.failed) for span in spans] == [("fails", True), ("after", False)]


async def test_spans_that_nobody_takes_are_lost_and_counted_and_disturb_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = traces.Exporter("noticeboard", "http://127.0.0.1:9")
    monkeypatch.setattr(traces, "_exporter", exporter)
    before = traces.spans_lost._value.get()
    context.correlation.set(new_id())
    for _ in range(traces.SPANS_WAITING_MAX + 5):
        with traces.span("one of many", traces.CLIENT):
            pass
    assert traces.spans_lost._value.get() - before == 5, "memory has an end"
    exporter.send_waiting()
    assert traces.spans_lost._value.get() - before == traces.SPANS_WAITING_MAX + 5


def test_without_an_endpoint_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.setattr(traces, "_exporter", None)
    traces.begin("noticeboard")
    assert not traces.is_on()
    assert traces.span("anything", traces.SERVER) is traces.span("anything else", traces.CLIENT), "one nothing for all"
