"""One order's trace through the running platform: gateway, trading, bus, broker and back, as OTLP tells it."""

import asyncio
import secrets
from itertools import pairwise

import httpx

from tests.integration.platform_under_test import SYMBOL, Platform
from tools.people import Trader

WAY = [
    ("trading", "POST /api/v1/trading/orders"),
    ("trading", "trading.order.submitted.v1"),
    ("broker", "process trading.order.submitted.v1"),
    ("broker", "submit"),
]
"""Each is a part of, or was caused by, the one before."""
BACK = [
    ("broker", "broker.order.executed.v1"),
    ("trading", "process broker.order.executed.v1"),
    ("trading", "trading.fill.booked.v1"),
    ("notification", "process trading.fill.booked.v1"),
]


async def test_one_order_is_one_trace_from_the_gateway_to_the_broker_and_back(
    platform: Platform, trader: Trader
) -> None:
    trace, parent = secrets.token_hex(16), secrets.token_hex(8)
    placed = await trader.http.post(
        "/trading/orders",
        json=trader.order("buy", SYMBOL, 1),
        headers={"traceparent": f"00-{trace}-{parent}-01"},
    )
    assert placed.status_code == httpx.codes.CREATED, placed.text
    assert placed.headers["x-trace-id"] == trace
    assert (await trader.until_order(placed.json()["id"]))["trace_id"] == trace, "it is found long after the answer"
    wanted = {*WAY, *BACK}
    spans = await asyncio.to_thread(
        platform.traces.until,
        lambda heard: wanted <= {(span.service, span.name) for span in heard if span.trace_id == trace},
    )
    found = {(span.service, span.name): span for span in spans if span.trace_id == trace}
    assert found[WAY[0]].parent_id == parent
    for chain in (WAY, BACK):
        for before, after in pairwise(chain):
            assert found[after].parent_id == found[before].span_id, f"{after} does not hang below {before}"
    assert found[WAY[0]].attributes == {"http.response.status_code": "201"}
    assert found["trading", "publish trading.order.submitted.v1"].parent_id == found[WAY[1]].span_id


async def test_what_is_refused_says_its_trace(trader: Trader) -> None:
    refused = await trader.http.post("/trading/orders", json=trader.order("buy", SYMBOL, 0))
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert refused.json()["trace_id"] == refused.headers["x-trace-id"]
    assert refused.json()["trace_id"] == refused.json()["request_id"], "the gateway names both, where nobody else did"
