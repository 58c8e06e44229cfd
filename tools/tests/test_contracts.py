"""The contract checks find each kind of broken promise, and the repository breaks none."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from kit.consumer import Subscription
from kit.events import Event
from kit.money import Money
from pydantic import BaseModel

from tools import contracts
from tools.contract_breaks import Document, api_breaks, event_breaks

FILLED = "trading.order.filled.v1"


class OrderFilled(Event):
    """An order is done."""

    TYPE: ClassVar[str] = FILLED
    SUBJECT: ClassVar[str] = "order_id"
    order_id: str
    price: Money
    note: str | None


class Reader(BaseModel):
    order_id: str


class GreedyReader(BaseModel):
    profit: Decimal


async def handle(*_: Any) -> None: ...


def a_service(
    name: str, *, events: list[type[Event]] | None = None, reads: dict[str, type[BaseModel]] | None = None
) -> contracts.Service:
    service = contracts.Service(name, contracts.ROOT)
    subscriptions = {event: Subscription(event, model, handle, phases=False) for event, model in (reads or {}).items()}
    found = {"events": {kind.TYPE: kind for kind in events or []}, "subscriptions": subscriptions, "openapi": None}
    service.__dict__.update(found)  # what its cached properties would have read from the service's modules
    return service


TRADING = a_service("trading", events=[OrderFilled])
EXAMPLE = {
    "id": "0193cd09-09c5-7b6a-b331-8720ddd84114",
    "type": FILLED,
    "source": "trading",
    "time": "2024-12-16T01:15:41.893Z",
    "subject": "0193cd08-dcec-7355-bd9d-43ee7a30ef5d",
    "owner": None,
    "correlation_id": "0193cd08-dcde-7a5e-a7ac-1b39a5e4dcad",
    "causation_id": None,
    "version": 20,
    "data": {"order_id": "0193cd08-dcec-7355-bd9d-43ee7a30ef5d", "price": "56000", "note": None},
}


def schema(**properties: Any) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


class TestFresh:
    def test_what_was_just_written_is_fresh(self, tmp_path: Path) -> None:
        files = contracts.generate([TRADING])
        contracts.write(files, tmp_path)
        assert list(contracts.fresh(files, tmp_path)) == []

    def test_a_changed_a_missing_and_a_left_over_file_are_each_named(self, tmp_path: Path) -> None:
        files = contracts.generate([TRADING])
        contracts.write(files | {"events/trading.order.gone.v1.schema.json": "{}"}, tmp_path)
        (tmp_path / "CATALOG.md").write_text("edited by hand")
        (tmp_path / "openapi/public.json").unlink()
        found = "\n".join(contracts.fresh(files, tmp_path))
        assert found.count("C1") == 3
        assert all(name in found for name in ("CATALOG.md", "trading.order.gone.v1", "openapi/public.json"))

    def test_writing_removes_what_is_generated_no_more_and_keeps_examples(self, tmp_path: Path) -> None:
        contracts.write({"events/a.b.c.v1.schema.json": "{}"}, tmp_path)
        (tmp_path / "events/a.b.c.v1.example.json").write_text("{}")
        contracts.write({"CATALOG.md": ""}, tmp_path)
        assert sorted(path.name for path in tmp_path.glob("events/*")) == ["a.b.c.v1.example.json"]


class TestEventBreaks:
    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            (schema(price={"type": "string"}), schema(), "e.price was removed"),
            (
                schema(price={"type": "string"}),
                schema(price={"type": "number"}),
                "e.price was string and is now number",
            ),
            (
                schema(price={"type": "string"}),
                schema(price={"anyOf": [{"type": "string"}, {"type": "null"}]}),
                "e.price was string and is now null, string",
            ),
            (
                schema(price={"type": "string"}),
                schema(price={"type": "string"}) | {"required": []},
                "e.price may now be missing",
            ),
            (
                schema(side={"type": "string", "enum": ["buy"]}),
                schema(side={"type": "string", "enum": ["buy", "sell"]}),
                "e.side may now hold sell",
            ),
            (
                schema(fills={"type": "array", "items": schema(price={"type": "string"})}),
                schema(fills={"type": "array", "items": schema()}),
                "e.fills[].price was removed",
            ),
            (
                schema(order={"$ref": "#/$defs/Order"}) | {"$defs": {"Order": schema(id={"type": "string"})}},
                schema(order={"$ref": "#/$defs/Order"}) | {"$defs": {"Order": schema(id={"type": "integer"})}},
                "e.order.id was string and is now integer",
            ),
        ],
    )
    def test_what_an_old_reader_cannot_live_with_is_named(self, old: Document, new: Document, complaint: str) -> None:
        assert list(event_breaks(old, new, "e")) == [complaint]

    def test_a_new_field_a_smaller_list_and_a_field_never_null_again_break_nobody(self) -> None:
        old = schema(side={"enum": ["buy", "sell"]}, note={"anyOf": [{"type": "string"}, {"type": "null"}]})
        new = schema(side={"enum": ["buy"]}, note={"type": "string"}, venue={"type": "string"})
        assert list(event_breaks(old, new, "e")) == []


def an_api(
    *, body: Document | None = None, answer: Document | None = None, parameters: list[Document] | None = None
) -> Document:
    operation: Document = {"parameters": parameters or [], "responses": {}}
    if body is not None:
        operation["requestBody"] = {"content": {"application/json": {"schema": body}}}
    if answer is not None:
        operation["responses"]["200"] = {"content": {"application/json": {"schema": answer}}}
    return {"paths": {"/orders": {"post": operation}}}


TEXT = {"type": "string"}


class TestApiBreaks:
    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            (an_api(), {"paths": {}}, "POST /orders was removed"),
            (an_api(), an_api(body=schema()), "POST /orders now wants a body"),
            (an_api(body=schema()), an_api(body=schema(venue=TEXT)), "POST /orders body.venue is now required"),
            (an_api(answer=schema(id=TEXT)), an_api(answer=schema()), "POST /orders answer 200.id was removed"),
            (an_api(answer=schema()), an_api(), "POST /orders no longer answers 200"),
            (
                an_api(body=schema(side={"enum": ["buy", "sell"]})),
                an_api(body=schema(side={"enum": ["buy"]})),
                "POST /orders body.side no longer accepts sell",
            ),
            (
                an_api(),
                an_api(parameters=[{"name": "account_id", "required": True, "schema": TEXT}]),
                "POST /orders parameter account_id is now required",
            ),
            (
                an_api(parameters=[{"name": "limit", "schema": TEXT}]),
                an_api(),
                "POST /orders parameter limit was removed",
            ),
        ],
    )
    def test_what_an_old_caller_cannot_live_with_is_named(self, old: Document, new: Document, complaint: str) -> None:
        assert list(api_breaks(old, new)) == [complaint]

    def test_a_new_route_an_optional_field_and_a_longer_answer_break_nobody(self) -> None:
        old = an_api(body=schema(id=TEXT), answer=schema(id=TEXT))
        new = an_api(body=schema(id=TEXT, note=TEXT) | {"required": ["id"]}, answer=schema(id=TEXT, fee=TEXT))
        new["paths"]["/accounts"] = {"get": {}}
        assert list(api_breaks(old, new)) == []


class TestCompatible:
    NAME = f"events/{FILLED}.schema.json"

    def test_an_event_may_go_only_when_nobody_reads_it(self) -> None:
        released = {self.NAME: json.dumps(schema())}
        assert "still read" in "".join(contracts.compatible({}, {FILLED}, released))
        assert list(contracts.compatible({}, set(), released)) == []

    def test_the_last_tag_is_what_is_compared_with(self, tmp_path: Path) -> None:
        def git(*arguments: str) -> None:
            settings = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
            subprocess.run(["git", "-C", tmp_path, *settings, *arguments], check=True, capture_output=True)

        git("init")
        assert contracts.released_files(tmp_path) == ("", {})
        (tmp_path / "contracts/events").mkdir(parents=True)
        (tmp_path / "contracts" / self.NAME).write_text("{}")
        (tmp_path / "contracts/README.md").write_text("prose")
        git("add", ".")
        git("commit", "-m", "Release")
        git("tag", "v1")
        assert contracts.released_files(tmp_path) == ("v1", {self.NAME: "{}"})


class TestExamples:
    def test_a_consumer_that_reads_only_what_the_example_holds_is_able(self) -> None:
        reader = a_service("notification", reads={FILLED: Reader})
        assert list(contracts.able([TRADING, reader], {FILLED: EXAMPLE})) == []

    def test_a_consumer_that_wants_more_than_the_example_holds_is_named(self) -> None:
        reader = a_service("notification", reads={FILLED: GreedyReader})
        (complaint,) = contracts.able([TRADING, reader], {FILLED: EXAMPLE})
        assert complaint.startswith("C4 notification cannot read")

    def test_a_true_example_is_complete(self) -> None:
        assert list(contracts.complete([TRADING], {FILLED: EXAMPLE})) == []

    @pytest.mark.parametrize(
        ("examples", "complaint"),
        [
            ({}, "has no example"),
            ({FILLED: EXAMPLE, "trading.order.lost.v1": EXAMPLE}, "nobody announces"),
            ({FILLED: EXAMPLE | {"type": "trading.order.filled.v2"}}, "untrue at $.type"),
            ({FILLED: EXAMPLE | {"data": {"order_id": "x", "price": 56000, "note": None}}}, "untrue at $.data.price"),
            ({FILLED: EXAMPLE | {"colour": "red"}}, "'colour' was unexpected"),
        ],
    )
    def test_a_missing_a_left_over_and_an_untrue_example_are_named(
        self, examples: dict[str, Document], complaint: str
    ) -> None:
        (found,) = contracts.complete([TRADING], examples)
        assert complaint in found

    def test_a_subscription_to_an_event_nobody_announces_is_named(self) -> None:
        reader = a_service("notification", reads={"trading.order.lost.v1": Reader})
        (complaint,) = contracts.complete([TRADING, reader], {FILLED: EXAMPLE})
        assert complaint == "C5 notification listens to trading.order.lost.v1, which nobody announces"


class TestWriting:
    def test_the_catalogue_says_who_reads_what(self) -> None:
        reader = a_service("notification", reads={FILLED: Reader})
        assert f"| [`{FILLED}`](events/{FILLED}.example.json) | trading | notification |" in contracts.catalogue(
            [TRADING, reader]
        )

    def test_what_refers_to_a_name_told_apart_is_told_apart_as_well(self) -> None:
        def a_document(path: str, field: str) -> Document:
            page = {"type": "array", "items": {"$ref": "#/components/schemas/Account"}}
            answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}
            operation = {"operationId": "list", "responses": {"200": answer}}
            schemas = {"Account": {"properties": {field: {"type": "string"}}}, "Page": page}
            return {"paths": {path: {"get": operation}}, "components": {"schemas": schemas}}

        merged = contracts.public_document(
            {"auth": a_document("/api/v1/a", "email"), "trading": a_document("/api/v1/t", "cash")}
        )
        schemas = merged["components"]["schemas"]
        assert schemas["AuthPage"]["items"] == {"$ref": "#/components/schemas/AuthAccount"}
        assert schemas["TradingPage"]["items"] == {"$ref": "#/components/schemas/TradingAccount"}
        assert "Page" not in schemas

    def test_a_name_told_apart_does_not_take_one_that_is_there(self) -> None:
        def a_document(**schemas: str) -> Document:
            typed = {name: {"type": kind} for name, kind in schemas.items()}
            return {"paths": {}, "components": {"schemas": typed}}

        merged = contracts.public_document(
            {"market": a_document(Status="object", MarketStatus="array"), "trading": a_document(Status="string")}
        )
        kinds = {name: schema["type"] for name, schema in merged["components"]["schemas"].items()}
        assert kinds == {"MarketMarketStatus": "object", "MarketStatus": "array", "TradingStatus": "string"}

    def test_names_two_services_use_differently_are_told_apart_in_the_public_document(self) -> None:
        def document(path: str, page: Document) -> Document:
            answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Page"}}}}
            operation = {"operationId": "list_things", "responses": {"200": answer}}
            schemas = {"Page": page, "Problem": schema(code=TEXT)}
            return {"paths": {path: {"get": operation}, "/internal/x": {}}, "components": {"schemas": schemas}}

        merged = contracts.public_document(
            {
                "auth": document("/api/v1/users", schema(users=TEXT)),
                "trading": document("/api/v1/orders", schema(orders=TEXT)),
            }
        )
        assert set(merged["paths"]) == {"/api/v1/users", "/api/v1/orders"}
        assert set(merged["components"]["schemas"]) == {"AuthPage", "TradingPage", "Problem"}
        operation = merged["paths"]["/api/v1/orders"]["get"]
        assert operation["operationId"] == "trading_list_things"
        assert "#/components/schemas/TradingPage" in json.dumps(operation)
