"""What other people's clients ask of the emulators, beyond what our connectors do: seen with six of them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from broker.domain.order import Accepted

from services.broker.tests.builders import an_order
from services.broker.tests.emulated import Emulated, in_memory

KEYS = {"appkey": "K" * 36, "appsecret": "S" * 180}
ACCOUNT = {"CANO": "50123456", "ACNT_PRDT_CD": "01"}


@pytest_asyncio.fixture
async def running(request: pytest.FixtureRequest) -> AsyncIterator[Emulated]:
    async with in_memory(request.param) as opened:
        yield opened


async def bought(running: Emulated) -> None:
    """Have ten shares through our own connector, whose token stays with the emulator."""
    [market], [kind] = running.kind.able.markets, running.kind.able.account_kinds
    place = {"market": market, "broker": running.kind.able.broker, "account_kind": kind}
    order = an_order(running.kind.symbol, limit_price=running.money("70100"), **place)
    assert isinstance(await running.connector().submit(order, order.key), Accepted)


async def asked_kis(running: Emulated, path: str, transaction: str, **fields: str) -> Any:
    headers = KEYS | {"authorization": f"Bearer {running.kept.text}", "tr_id": transaction}
    return (await running.http.get(running.address + path, headers=headers, params=ACCOUNT | fields)).json()


@pytest.mark.parametrize("running", ["kis_real"], indirect=True)
async def test_kis_takes_two_slashes_for_one_and_names_a_stock(running: Emulated) -> None:
    await bought(running)
    held = await asked_kis(running, "//uapi/domestic-stock/v1/trading/inquire-balance", "TTTC8434R")
    assert [row["hldg_qty"] for row in held["output1"]] == ["10"]
    path = "/uapi/domestic-stock/v1/quotations/search-info"
    named = await asked_kis(running, path, "CTPF1604R", PDNO="005930", PRDT_TYPE_CD="300")
    assert (named["output"]["shtn_pdno"], named["output"]["prdt_type_cd"]) == ("005930", "300")
    unknown = await asked_kis(running, path, "CTPF1604R", PDNO="005930", PRDT_TYPE_CD="512")
    assert unknown["msg_cd"] == "APBK0656"


@pytest.mark.parametrize("running", ["kis_us"], indirect=True)
async def test_what_is_held_in_the_united_states_is_in_kis_present_balance(running: Emulated) -> None:
    await bought(running)
    path = "/uapi/overseas-stock/v1/trading/inquire-present-balance"
    [row] = (await asked_kis(running, path, "VTRP6504R"))["output1"]
    assert (row["pdno"], row["ccld_qty_smtl1"], row["avg_unpr3"]) == ("AAPL", "10", "701.0000")


@pytest.mark.parametrize("running", ["kiwoom"], indirect=True)
async def test_kiwoom_shows_the_same_ledger_in_each_of_its_shapes(running: Emulated) -> None:
    await bought(running)

    async def asked(name: str, **fields: str) -> Any:
        headers = {"authorization": f"Bearer {running.kept.text}", "api-id": name}
        return (await running.http.post("/api/dostk/acnt", headers=headers, json=fields)).json()

    [fill] = (await asked("ka10076"))["cntr"]
    assert (fill["cntr_qty"], fill["cntr_pric"], fill["stex_tp_txt"]) == ("10", "70100", "KRX")
    assert (await asked("ka10076", ord_no=fill["ord_no"]))["cntr"] == [], "only older ones"
    [order] = (await asked("kt00009", ord_dt="20261102"))["acnt_ord_cntr_prst_array"]
    assert (order["cntr_qty"], order["cntr_uv"]) == ("0000000010", "0000070100")
    [valued] = (await asked("kt00004"))["stk_acnt_evlt_prst"]
    [executed] = (await asked("kt00005"))["stk_cntr_remn"]
    assert int(valued["rmnd_qty"]) == int(executed["cur_qty"]) == 10
    assert valued["pur_amt"] == executed["pur_amt"]


@pytest.mark.parametrize("running", ["alpaca"], indirect=True)
async def test_alpaca_closes_a_position_and_does_not_take_a_bracket_for_a_plain_order(running: Emulated) -> None:
    await bought(running)
    running.http.headers.update({"APCA-API-KEY-ID": "PK" + "K" * 18, "APCA-API-SECRET-KEY": "S" * 40})
    bracket = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    refused = await running.http.post("/v2/orders", json=bracket | {"order_class": "bracket"})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    half = (await running.http.delete("/v2/positions/AAPL", params={"percentage": "50"})).json()
    assert (half["side"], half["qty"]) == ("sell", "5")
    [rest] = (await running.http.delete("/v2/positions")).json()
    assert rest["body"]["qty"] == "5"
    assert (await running.http.get("/v2/positions")).json() == []


@pytest.mark.parametrize("running", ["kis"], indirect=True)
async def test_kis_tells_what_was_paid_today_and_whose_book_it_shows(running: Emulated) -> None:
    await bought(running)
    asked = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
    path = "/uapi/domestic-stock/v1/quotations/"
    price = await asked_kis(running, f"{path}inquire-price", "FHKST01010100", **asked)
    assert (price["output"]["acml_vol"], price["output"]["acml_tr_pbmn"]) == ("10", "701000")
    book = await asked_kis(running, f"{path}inquire-asking-price-exp-ccn", "FHKST01010200", **asked)
    assert book["output2"]["stck_shrn_iscd"] == "005930"
    assert book["output1"]["total_bidp_rsqn"] == book["output1"]["bidp_rsqn1"] != "0"


@pytest.mark.parametrize("running", ["ls"], indirect=True)
async def test_ls_says_what_was_paid_whose_book_it_is_that_cash_was_read_and_on_which_side_a_change_is(
    running: Emulated,
) -> None:
    await bought(running)

    async def asked(folder: str, name: str, block: str, **fields: Any) -> Any:
        headers = {"authorization": f"Bearer {running.kept.text}", "tr_cd": name, "tr_cont": "N", "tr_cont_key": ""}
        body = {f"{name}{block}": fields}
        return (await running.http.post(f"/stock/{folder}", headers=headers, json=body)).json()

    price = (await asked("market-data", "t1102", "InBlock", shcode="005930"))["t1102OutBlock"]
    assert (price["volume"], price["value"]) == (10, 701_000)
    book = (await asked("market-data", "t1101", "InBlock", shcode="005930"))["t1101OutBlock"]
    assert (book["shcode"], book["bid"]) == ("005930", book["bidrem1"])
    assert book["bid"] > 0
    assert (await asked("accno", "CSPAQ12200", "InBlock1", BalCreTp="0"))["rsp_cd"] == "00136"
    slip = {"IsuNo": "A005930", "OrdQty": 3, "OrdprcPtnCode": "00", "OrdCndiTpCode": "0"}
    rest = {"BnsTpCode": "2", "OrdPrc": 69_000, "MgntrnCode": "000", "LoanDt": ""}
    number = (await asked("order", "CSPAT00601", "InBlock1", **slip, **rest))["CSPAT00601OutBlock2"]["OrdNo"]
    changed = await asked("order", "CSPAT00701", "InBlock1", **slip, OrgOrdNo=number, OrdPrc=69_100)
    assert changed["CSPAT00701OutBlock2"]["BnsTpCode"] == "2"
