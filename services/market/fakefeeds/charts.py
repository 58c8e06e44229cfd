"""Naver, Yahoo, Alpha Vantage and KIS as they answer for one symbol."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakefeeds.world import Day, Fault, World

FAR_PAST: Final = date(1900, 1, 1)
FAR_FUTURE: Final = date(2999, 1, 1)
INDICES: Final = {"^KS11": "KOSPI", "^KS200": "KOSPI200", "^KQ11": "KOSDAQ"}
"""Yahoo's names of them, and ours."""
PAGE_ROWS: Final = 100
KST: Final = timedelta(hours=9)
EST: Final = timedelta(hours=-5)
TOKEN_SECONDS: Final = 86_400
FREE_CALLS: Final = 25


def _known(world: World, symbol: str, fault: Fault | None, *, adjusted: bool) -> Sequence[Day] | None:
    issue = world.issues.get(symbol)
    if issue is None:
        return None
    chosen = issue.adjusted() if adjusted and fault != "unadjusted_split" else issue
    return world.days_of(chosen, FAR_PAST, FAR_FUTURE, fault)


async def naver(world: World, request: Request, fault: Fault | None) -> Response:
    """XML in EUC-KR, oldest first; an unknown symbol is an empty chart."""
    symbol = request.query_params["symbol"].replace("KPI200", "KOSPI200")
    days = _known(world, symbol, fault, adjusted=True) or []
    items = "".join(
        f'\n\t<item data="{one.day:%Y%m%d}|{one.open}|{one.high}|{one.low}|{one.close}|{one.volume}" />\n'
        for one in days
    )
    name = world.issues[symbol].name if days else ""
    chart = f'<chartdata symbol="{symbol}" name="{name}" count="{len(days)}" timeframe="day" precision="0">'
    text = f'<?xml version="1.0" encoding="EUC-KR" ?>\n<protocol>\n{chart}{items}</chartdata>\n</protocol>'
    return Response(text.encode("euc-kr"), headers={"content-type": "text/xml;charset=EUC-KR"})


async def yahoo(world: World, request: Request, fault: Fault | None) -> Response:
    """Parallel arrays; a halted day is null, and one more element tells of a session that still runs."""
    code, _, suffix = request.path_params["symbol"].partition(".")
    code = INDICES.get(code, code)
    issue = world.issues.get(code)
    boards = {"KS": "KOSPI", "KQ": "KOSDAQ", "": "US"}
    if issue is None or issue.board not in {boards.get(suffix), "INDEX" if code in INDICES.values() else ""}:
        missing = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
        return JSONResponse({"chart": {"result": None, "error": missing}}, 404)
    days, places = _known(world, code, fault, adjusted=True) or [], 100 if issue.board == "US" else 1
    zone = EST if issue.board == "US" else KST
    opens = time(9, 30) if issue.board == "US" else time(9)
    stamps = [int((datetime.combine(one.day, opens, UTC) - zone).timestamp()) for one in days]
    quote: dict[str, list[float | int | None]] = {
        name: [getattr(one, name) / places if one.open else None for one in days]
        for name in ("open", "high", "low", "close")
    }
    quote["volume"] = [one.volume if one.open else None for one in days]
    meta = {"symbol": request.path_params["symbol"], "gmtoffset": int(zone.total_seconds()), "currency": "KRW"}
    result: dict[str, Any] = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [quote]}}
    if issue.split_on is not None:
        stamp = int((datetime.combine(issue.split_on, opens, UTC) - zone).timestamp())
        split = {"date": stamp, "numerator": issue.split_ratio, "denominator": 1}
        result["events"] = {"splits": {str(stamp): split | {"splitRatio": f"{issue.split_ratio}:1"}}}
    return JSONResponse({"chart": {"result": [result], "error": None}})


async def alpha_vantage(world: World, request: Request, fault: Fault | None) -> Response:
    """Always 200; after the free calls of a day only the notice."""
    if world.calls["av"] > world.daily_calls_max.get("av", FREE_CALLS):
        return JSONResponse({"Information": "our standard API rate limit is 25 requests per day"})
    days = _known(world, request.query_params["symbol"], fault, adjusted=False)
    if days is None:
        return JSONResponse({"Error Message": "Invalid API call."})
    names = ("1. open", "2. high", "3. low", "4. close")
    series: dict[str, dict[str, str]] = {}
    for one in reversed(days):
        prices = (f"{value / 100:.4f}" for value in (one.open, one.high, one.low, one.close))
        series[str(one.day)] = dict(zip(names, prices, strict=True)) | {"5. volume": str(one.volume)}
    return JSONResponse({"Meta Data": {"5. Time Zone": "US/Eastern"}, "Time Series (Daily)": series})


async def kis_token(world: World, request: Request, _fault: Fault | None) -> Response:
    """A token for a day."""
    body: dict[str, Any] = await request.json()
    if body.get("appkey") != world.key:
        return JSONResponse({"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."}, 403)
    return JSONResponse({"access_token": "a-token", "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


async def kis(world: World, request: Request, fault: Fault | None) -> Response:
    """At most a hundred rows, newest first; every fourth call of a greedy caller is refused."""
    if request.headers.get("authorization") != "Bearer a-token":
        return JSONResponse({"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}, 500)
    if world.daily_calls_max.get("kis") == world.calls["kis"]:
        return JSONResponse({"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}, 500)
    asked = request.query_params
    days = _known(world, asked["FID_INPUT_ISCD"], fault, adjusted=asked["FID_ORG_ADJ_PRC"] == "0")
    first, last = asked["FID_INPUT_DATE_1"], asked["FID_INPUT_DATE_2"]
    chosen = [one for one in reversed(days or ()) if first <= f"{one.day:%Y%m%d}" <= last][:PAGE_ROWS]
    rows: list[dict[str, str]] = [
        {
            "stck_bsop_date": f"{one.day:%Y%m%d}",
            "stck_oprc": str(one.open),
            "stck_hgpr": str(one.high),
            "stck_lwpr": str(one.low),
            "stck_clpr": str(one.close),
            "acml_vol": str(one.volume),
            "flng_cls_code": "00",
            "mod_yn": "N",
        }
        for one in chosen
    ]
    name = "" if days is None else world.issues[asked["FID_INPUT_ISCD"]].name
    return JSONResponse(
        {"rt_cd": "0", "msg_cd": "MCA00000", "output1": {"hts_kor_isnm": name}, "output2": rows or [{}]}
    )


async def kis_announced(world: World, request: Request, _fault: Fault | None) -> Response:
    """The depository's rows of a range of record days, a hundred at most; GB1 says which days of a paid-in issue."""
    if request.headers.get("authorization") != "Bearer a-token" or not request.headers["tr_id"].startswith("HHKDB669"):
        return JSONResponse({"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}, 500)
    name, asked = request.path_params["name"], request.query_params
    assert name != "paidin-capin" or asked["GB1"] == "2", "by record day, not by day of subscription"
    rows = [row for row in world.announced.get(name, []) if asked["F_DT"] <= row["record_date"] <= asked["T_DT"]]
    return JSONResponse({"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상", "output1": rows[:PAGE_ROWS]})
