"""Connections: credentials go in, are tried at the broker, lie sealed, and never come out."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from broker.adapters.catalogue import open_here
from broker.app import create_app
from broker.brokers import read_brokers
from broker.config import Settings
from broker.domain.connection import ConnectionId
from broker.domain.order import OwnerId
from broker.store import connections
from broker.usecases.rotate_key import rotate_key
from broker.vault import DoesNotOpen, OwnerKey, Place, Vault
from cryptography.exceptions import InvalidTag
from fastapi import FastAPI
from kit.db import Database
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from sqlalchemy import text

from services.broker.tests.conftest import VAULT_KEY
from services.broker.tests.floor import Broken
from services.broker.tests.kis.emulator import KEYS, Emulator, emulator

PATH = "/api/v1/broker/connections"
SECRETS = {"app_key": KEYS.app_key, "app_secret": KEYS.app_secret, "account": "5012345601"}


def a_connection(**changes: Any) -> dict[str, Any]:
    return {"broker": "kis", "environment": "paper", "name": "모의투자", "credentials": SECRETS} | changes


@pytest_asyncio.fixture
async def kis() -> AsyncIterator[Emulator]:
    async with emulator() as running:
        running.gate.keys[KEYS.app_key] = KEYS.app_secret
        yield running


@pytest.fixture
def app(kis: Emulator, settings: Settings, tokens: Tokens, tmp_path: Path) -> FastAPI:
    file = tmp_path / "brokers.yaml"
    file.write_text(json.dumps({"kis": {"paper": {"rest": str(kis.http.base_url), "calls_per_second": 2}}}))
    return create_app(settings.model_copy(update={"brokers_file": file}), tokens.verifier)


async def call(app: FastAPI, token: str | None, method: str, path: str = PATH, body: Any = None) -> httpx.Response:
    async with client(app, token) as http:
        return await http.request(method, path, json=body)


async def token_rows(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(text("SELECT count(*) FROM broker_tokens")) or 0)


class TestTheRoutes:
    @pytest.mark.requirement("R-59")
    async def test_in_quarantine_no_broker_is_called_whatever_is_asked(
        self, kis: Emulator, settings: Settings, app: FastAPI, tokens: Tokens, tmp_path: Path
    ) -> None:
        token = tokens.for_user(new_id())
        saved = await call(app, token, "POST", body=a_connection())
        issued = kis.gate.tokens_issued
        told = {"brokers_file": tmp_path / "brokers.yaml", "quarantined": True}
        isolated = create_app(settings.model_copy(update=told), tokens.verifier)
        async with client(isolated, token) as http:
            one = f"{PATH}/{saved.json()['id']}"
            assert (await http.get(one)).status_code == 200, "people may look"
            answers = [
                await http.post(PATH, json=a_connection(name="another")),
                await http.post(f"{one}/test"),
                await http.post(f"{one}/sync"),
                await http.get(f"{one}/accounts"),
                await http.get(f"{one}/buying-power?symbol=005930&limit_price=70000"),
            ]
        assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "broker_unreachable")}
        assert all("restored from a backup" in answer.json()["detail"] for answer in answers)
        assert kis.gate.tokens_issued == issued, "nobody knocked"

    async def test_a_connection_is_tried_kept_shown_without_its_secrets_used_and_forgotten(
        self, app: FastAPI, tokens: Tokens, kis: Emulator, database: Database
    ) -> None:
        token = tokens.for_user(new_id())
        async with database.system() as session:
            await session.execute(text("DELETE FROM broker_tokens"))
        async with client(app, token) as http:
            saved = await http.post(PATH, json=a_connection())
            assert saved.status_code == 201, saved.text
            one = f"{PATH}/{saved.json()['id']}"
            answers = [saved, await http.get(PATH), await http.get(one), await http.get(f"{one}/accounts")]
            assert answers[3].json()["items"][0]["cash"] == "1000000000"
            assert (await http.post(f"{one}/test")).json() == {"ok": True}
            assert kis.gate.tokens_issued == 1
            assert answers[2].json()["account_hint"] == "********01"
            told = "".join(answer.text for answer in answers)
            assert not [secret for secret in SECRETS.values() if secret in told]
            assert await token_rows(database) == 1
            assert (await http.delete(one)).status_code == 204
            assert (await http.get(one)).status_code == 404
            assert await token_rows(database) == 0

    async def test_its_owner_may_ask_what_could_be_bought_and_nobody_else(self, app: FastAPI, tokens: Tokens) -> None:
        async with client(app, tokens.for_user(new_id())) as http:
            one = f"{PATH}/{(await http.post(PATH, json=a_connection())).json()['id']}/buying-power"
            answer = await http.get(f"{one}?symbol=005930&limit_price=70000")
            assert answer.json() == {"amount": "1000000000", "quantity": "14285"}
            unknown = await http.get(f"{one}?symbol=999999&limit_price=70000")
            assert (unknown.status_code, unknown.json()["code"]) == (422, "broker_refused")
            assert "APBK0656" in unknown.json()["detail"], "in the broker's own words"
            for nonsense in ("symbol=005930&limit_price=0", "symbol=005930", "symbol=%20&limit_price=1"):
                assert (await http.get(f"{one}?{nonsense}")).json()["code"] == "invalid_request"
        stranger = await call(app, tokens.for_user(new_id()), "GET", f"{one}?symbol=005930&limit_price=70000")
        assert (stranger.status_code, stranger.json()["code"]) == (404, "connection_not_found")

    @pytest.mark.requirement("R-22")
    async def test_an_account_is_read_on_demand_and_announced_once(
        self, app: FastAPI, tokens: Tokens, kis: Emulator, database: Database
    ) -> None:
        async with client(app, tokens.for_user(new_id())) as http:
            one = f"{PATH}/{(await http.post(PATH, json=a_connection())).json()['id']}"
            seen = [(await http.post(f"{one}/sync")).json() for _ in range(2)]
            assert [each["outcome"] for each in seen] == ["announced", "unchanged"]
            assert (seen[0]["orders"], seen[0]["foreign_orders"], seen[0]["holdings"]) == (0, 0, 0)
            kis.breaks("inquire-daily-ccld", "html")
            answer = await http.post(f"{one}/sync")
            assert (answer.status_code, answer.json()["code"]) == (503, "broker_unreachable")
        async with database.system() as session:
            said = text("SELECT count(*) FROM events WHERE type = 'broker.account.reported.v1' AND subject = :one")
            assert await session.scalar(said, {"one": one.rsplit("/", 1)[1]}) == 1

    @pytest.mark.requirement("R-53", "R-54")
    async def test_the_database_holds_no_secret_in_the_clear(
        self, app: FastAPI, tokens: Tokens, database: Database
    ) -> None:
        assert (await call(app, tokens.for_user(new_id()), "POST", body=a_connection())).status_code == 201
        async with database.system() as session:
            tables = ("connections", "connection_secrets", "events", "owner_keys")
            found = [(await session.execute(text(f"SELECT * FROM {table}"))).all() for table in tables]
        dump = str(found)
        assert not [secret for secret in SECRETS.values() if secret in dump or secret.encode().hex() in dump]

    @pytest.mark.parametrize(
        ("method", "tail"), [("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/sync"), ("GET", "/accounts")]
    )
    async def test_a_strangers_connection_does_not_exist(
        self, app: FastAPI, tokens: Tokens, method: str, tail: str
    ) -> None:
        saved = await call(app, tokens.for_user(new_id()), "POST", body=a_connection())
        path = f"{PATH}/{saved.json()['id']}{tail}"
        answer = await call(app, tokens.for_user(new_id()), method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "connection_not_found")
        assert (await call(app, None, method, path)).status_code == 401

    @pytest.mark.parametrize("field", ["app_key", "app_secret"])
    async def test_credentials_the_broker_refuses_are_not_kept(self, app: FastAPI, tokens: Tokens, field: str) -> None:
        token = tokens.for_user(new_id())
        answer = await call(app, token, "POST", body=a_connection(credentials=SECRETS | {field: "wrong"}))
        assert (answer.status_code, answer.json()["code"]) == (422, "credentials_refused")
        assert (await call(app, token, "GET")).json()["items"] == []

    async def test_a_silent_broker_is_a_reason_to_try_again(self, app: FastAPI, tokens: Tokens, kis: Emulator) -> None:
        kis.breaks("inquire-balance", "html")
        answer = await call(app, tokens.for_user(new_id()), "POST", body=a_connection())
        assert (answer.status_code, answer.json()["code"]) == (503, "broker_unreachable")

    @pytest.mark.parametrize(("permission", "says"), [("paper", "operator"), ("paper real", "BROKER_LIVE_ALLOWED")])
    async def test_real_money_needs_the_permission_and_the_operators_switch(
        self, app: FastAPI, tokens: Tokens, permission: str, says: str
    ) -> None:
        token = tokens.sign(tokens.claims(new_id()) | {"perm": permission})
        answer = await call(app, token, "POST", body=a_connection(environment="real"))
        assert (answer.status_code, answer.json()["code"]) == (403, "live_not_permitted")
        assert says in answer.json()["detail"]

    async def test_keys_are_given_only_by_who_proved_themselves_just_now(self, app: FastAPI, tokens: Tokens) -> None:
        token = tokens.sign(tokens.claims(new_id()) | {"auth_time": 0})
        answer = await call(app, token, "POST", body=a_connection())
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")

    @pytest.mark.parametrize(
        "changes",
        [
            {"broker": "none"},
            {"environment": "both"},
            {"name": ""},
            {"name": "x" * 65},
            {"credentials": SECRETS | {"account": "50123456"}},
            {"credentials": SECRETS | {"extra": "1"}},
        ],
    )
    async def test_a_bad_request_names_its_field_and_tells_no_secret(
        self, app: FastAPI, tokens: Tokens, changes: dict[str, Any]
    ) -> None:
        answer = await call(app, tokens.for_user(new_id()), "POST", body=a_connection(**changes))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert KEYS.app_secret not in answer.text

    async def test_a_person_has_a_bounded_number_of_connections(self, app: FastAPI, tokens: Tokens) -> None:
        async with client(app, tokens.for_user(new_id())) as http:
            codes = [(await http.post(PATH, json=a_connection())).status_code for _ in range(21)]
        assert codes == [201] * 20 + [409]


@pytest.mark.requirement("R-53")
class TestTheVault:
    async def _saved(self, app: FastAPI, tokens: Tokens) -> tuple[OwnerId, ConnectionId]:
        owner = new_id()
        saved = await call(app, tokens.for_user(owner), "POST", body=a_connection())
        return OwnerId(owner), ConnectionId(UUID(saved.json()["id"]))

    async def _opened(self, database: Database, owner: OwnerId, connection: ConnectionId) -> dict[str, str]:
        async with database.owned(owner) as session:
            return dict((await connections.find_secrets(session, owner, connection, Vault(VAULT_KEY))).fields)

    def test_a_box_opens_in_its_own_place_only(self) -> None:
        vault, owner, stranger = Vault(VAULT_KEY), new_id(), new_id()
        key = vault.new_key(owner, 1)
        place = Place(owner, new_id(), "app_key", 1)
        box = vault.seal(key, place, "mine")
        assert vault.open(key, place, box) == "mine"
        elsewhere = [replace(place, connection=new_id()), replace(place, field="app_secret")]
        elsewhere += [replace(place, owner=stranger), replace(place, key_version=2)]
        for other in elsewhere:
            with pytest.raises(DoesNotOpen):
                vault.open(key, other, box)
            with pytest.raises(DoesNotOpen):
                vault.open(OwnerKey(other.owner, other.key_version, key.wrapped), other, box)

    def test_every_flipped_bit_and_every_other_wrapping_key_is_noticed(self) -> None:
        vault, owner = Vault(VAULT_KEY), new_id()
        key, place = vault.new_key(owner, 1), Place(owner, new_id(), "app_key", 1)
        box = vault.seal(key, place, "mine")
        for position in range(len(box) * 8):
            flipped = bytearray(box)
            flipped[position // 8] ^= 1 << position % 8
            with pytest.raises(DoesNotOpen):
                vault.open(key, place, bytes(flipped))
        with pytest.raises(DoesNotOpen) as lost:
            Vault(os.urandom(32).hex()).open(key, place, box)
        assert isinstance(lost.value.__cause__, InvalidTag)

    async def test_boxes_swapped_between_rows_do_not_open(
        self, app: FastAPI, tokens: Tokens, database: Database
    ) -> None:
        owner, connection = await self._saved(app, tokens)
        swap = text(
            "UPDATE connection_secrets a SET box = b.box FROM connection_secrets b"
            " WHERE a.connection_id = :connection AND b.connection_id = a.connection_id AND a.field <> b.field"
        )
        async with database.owned(owner) as session:
            await session.execute(swap, {"connection": connection})
        with pytest.raises(DoesNotOpen):
            await self._opened(database, owner, connection)

    async def test_three_rotations_each_interrupted_at_every_box_lose_nothing(
        self, app: FastAPI, tokens: Tokens, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner, connection = await self._saved(app, tokens)
        reseal = connections.save_resealed
        for rotation in range(3):
            for survives in range(3):
                calls = iter(range(10))

                async def dies(
                    *given: Any, calls: Any = calls, survives: int = survives, rotation: int = rotation
                ) -> bool:
                    if next(calls) == survives - 1 or survives == 0:
                        raise Broken(rotation)
                    return await reseal(*given)

                monkeypatch.setattr(connections, "save_resealed", dies)
                with pytest.raises(Broken):
                    await rotate_key(database, owner, Vault(VAULT_KEY))
                assert await self._opened(database, owner, connection) == SECRETS
                monkeypatch.undo()
            await rotate_key(database, owner, Vault(VAULT_KEY))
            assert await self._opened(database, owner, connection) == SECRETS
        versions = text("SELECT DISTINCT key_version FROM connection_secrets WHERE connection_id = :connection")
        async with database.owned(owner) as session:
            assert (await session.execute(versions, {"connection": connection})).scalars().all() == [4]

    async def test_who_has_no_connection_rotates_nothing(self, app: FastAPI, tokens: Tokens) -> None:
        answer = await call(app, tokens.for_user(new_id()), "POST", f"{PATH}/rotate-key")
        assert answer.json() == {"moved": 0}


GOOD = {"paper": {"rest": "https://paper.example:1", "calls_per_second": 1}}


class TestTheList:
    @pytest.mark.requirement("R-11")
    def test_without_the_operators_switch_no_live_host_is_known(self) -> None:
        built_in = Settings.model_fields["brokers_file"].default
        assert {environment for _, environment in read_brokers(built_in, live_allowed=False)} == {"paper"}
        assert {environment for _, environment in read_brokers(built_in, live_allowed=True)} == {"paper", "real"}

    @pytest.mark.parametrize(
        "broken",
        [
            {"kis": {"paper": {"rest": "http://paper.example", "calls_per_second": 1}}},
            {"kis": {"paper": {"rest": "https://paper.example", "calls_per_second": 0}}},
            {"kis": {**GOOD, "real": {"rest": "https://paper.example:1", "calls_per_second": 9}}},
            {"kis": {"paper": {"rest": "https://openapi.koreainvestment.com:9443", "calls_per_second": 1}}},
            {"kis": {"paper": {**GOOD["paper"], "stream": "wss://api.kiwoom.com:10000/api/dostk/websocket"}}},
            {"kis": {**GOOD, "unknown": 1}},
            {"somebody": GOOD},
            {"kis": {"paper": {**GOOD["paper"], "venues": ["KOSPI"]}}},
            {"kis": {"paper": {**GOOD["paper"], "venues": ["KRX", "NXT"]}}},
            ["kis"],
        ],
    )
    def test_anything_wrong_in_the_file_stops_the_start(self, tmp_path: Path, broken: Any) -> None:
        file = tmp_path / "brokers.yaml"
        file.write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=r".+"):
            open_here(read_brokers(file, live_allowed=True))
