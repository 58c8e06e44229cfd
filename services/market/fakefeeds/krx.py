"""KRX as it was recorded: the portal behind its log-in, and the official interface."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakefeeds.world import Day, Fault, Issue, World

STANDARD: Final = "dbms/MDC/STAT/standard/"
BOARDS: Final = {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}
SERVICES: Final = {"stk_bydd_trd": "KOSPI", "ksq_bydd_trd": "KOSDAQ", "knx_bydd_trd": "KONEX"}
COOKIE: Final = "JSESSIONID"
SESSION: Final = "a-session"
SHARES: Final = 1_000_000


def _html_json(content: object, status: int = 200) -> Response:
    """KRX sends JSON and calls it HTML."""
    return Response(json.dumps(content, ensure_ascii=False), status, media_type="text/html; charset=utf-8")


async def show_login(_world: World, _request: Request, _fault: Fault | None) -> Response:
    """The pages a browser opens before it logs in."""
    return Response("<html><form></form></html>", media_type="text/html; charset=utf-8")


async def log_in(world: World, request: Request, _fault: Fault | None) -> Response:
    """Check the person; a second log-in has to say that it means it."""
    form = await request.form()
    if (form.get("mbrId"), form.get("pw")) != (world.user, world.password):
        return _html_json({"_error_code": "CD002", "_error_message": "아이디 또는 비밀번호를 확인하세요"})
    if form.get("skipDup") != "Y":
        return _html_json({"_error_code": "CD011", "_error_message": "중복 로그인"})
    response = _html_json({"_error_code": "CD001", "_error_message": "정상"})
    response.set_cookie(COOKIE, SESSION)
    return response


async def portal(world: World, request: Request, fault: Fault | None) -> Response:
    """Dispatch on the form's `bld`."""
    if request.cookies.get(COOKIE) != SESSION:
        return Response("LOGOUT", 400, media_type="text/html; charset=utf-8")
    form = {key: str(value) for key, value in (await request.form()).items()}
    answer = _answer_of(world, form, fault)
    if answer is None:
        return Response("LOGOUT", 400, media_type="text/html; charset=utf-8")
    return _html_json(answer)


def _answer_of(world: World, form: dict[str, str], fault: Fault | None) -> dict[str, object] | None:
    answer: dict[str, object] | None = None
    match form["bld"].removeprefix(STANDARD):
        case "MDCSTAT01701":
            issue = next((one for one in world.issues.values() if one.isin == form["isuCd"]), None)
            days = [] if issue is None else _wanted(world, issue, form, fault)
            rows = [{"TRD_DD": day.day.strftime("%Y/%m/%d"), **_prices(day)} for day in reversed(days)]
            answer = {"output": rows, "CURRENT_DATETIME": "2026.01.25 PM 08:27:23"}
        case "MDCSTAT00301":
            code = form["indIdx"] + form["indIdx2"]
            (index,) = [one for one in world.issues.values() if one.isin == code]
            days = world.days_of(index, _date(form["strtDd"]), _date(form["endDd"]), fault)
            answer = {"output": [_of_index(day) for day in reversed(days)]}
        case "MDCSTAT01501":
            issues = [one for one in world.issues.values() if one.board == BOARDS.get(form["mktId"])]
            answer = {"OutBlock_1": [_of_day(one, _date(form["trdDd"]), "ISU_SRT_CD") for one in issues]}
        case "MDCSTAT03501":
            issues = [one for one in world.issues.values() if one.board == BOARDS.get(form["mktId"])]
            answer = {"output": [_valued(one, _date(form["trdDd"])) for one in issues]}
        case "MDCSTAT02302":
            day = datetime.strftime(datetime.strptime(form["endDd"], "%Y%m%d"), "%Y/%m/%d")  # noqa: DTZ007 - a day
            values = {"TRDVAL1": "-562,644,916,900", "TRDVAL2": "5,017,754,900", "TRDVAL3": "870,709,684,700"}
            answer = {"output": [{"TRD_DD": day, **values, "TRDVAL4": "-313,082,522,700", "TRDVAL_TOT": "0"}]}
        case "dbms/comm/finder/finder_stkisu":
            rows = [
                {"full_code": one.isin, "short_code": one.symbol, "codeName": one.name} for one in world.issues.values()
            ]
            answer = {"block1": rows}
        case "dbms/comm/finder/finder_listdelisu":
            answer = {"block1": []}
    return answer


def _wanted(world: World, issue: Issue, form: dict[str, str], fault: Fault | None) -> Sequence[Day]:
    first, last = _date(form["strtDd"]), _date(form["endDd"])
    assert (last - first).days < 731, "the portal refuses more than two years"
    chosen = issue if form["adjStkPrc"] == "1" or fault == "unadjusted_split" else issue.adjusted()
    return world.days_of(chosen, first, last, fault)


async def open_api(world: World, request: Request, fault: Fault | None) -> Response:
    """A board on a day; the key decides, and the calls of a day are counted."""
    if request.headers.get("AUTH_KEY") != world.key:
        return JSONResponse({"respCode": "401", "respMsg": "Unauthorized API Call"})
    if world.calls["krxapi"] > world.daily_calls_max.get("krxapi", 10_000):
        return Response("Too Many Requests", 429)
    board, day = SERVICES[request.path_params["api"]], _date(request.query_params["basDd"])
    traded = [one for one in world.issues.values() if one.board == board and any(own.day == day for own in one.days)]
    rows = [_of_day(one, day, "ISU_CD") for one in traded]
    if fault == "duplicated_day":
        rows += rows[:1]
    return JSONResponse(
        {"OutBlock_1": [{name: text.replace(",", "") for name, text in row.items()} for row in rows]},
    )


def _of_day(issue: Issue, day: date, code: str) -> dict[str, str]:
    """A row of all issues; on a day without a session every price is a dash."""
    found = next((own for own in issue.days if own.day == day), None)
    names = ("TDD_CLSPRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL")
    prices = dict.fromkeys(names, "-") if found is None else _prices(found)
    return {code: issue.symbol, "ISU_ABBRV": issue.name, "MKT_NM": issue.board, **prices}


def _valued(issue: Issue, day: date) -> dict[str, str]:
    """The second issue of a board makes a loss: its PER is a dash."""
    loses = issue.symbol.endswith("20")
    ratios = {"EPS": "-", "PER": "-"} if loses else {"EPS": "6,461", "PER": "7.74"}
    return {
        **_of_day(issue, day, "ISU_SRT_CD"),
        **ratios,
        "BPS": "35,342",
        "PBR": "1.41",
        "DPS": "0",
        "DVD_YLD": "0.00",
    }


def _prices(day: Day) -> dict[str, str]:
    return {
        "TDD_CLSPRC": f"{day.close:,}",
        "FLUC_TP_CD": "0",
        "CMPPREVDD_PRC": "0",
        "FLUC_RT": "0.00",
        "TDD_OPNPRC": f"{day.open:,}",
        "TDD_HGPRC": f"{day.high:,}",
        "TDD_LWPRC": f"{day.low:,}",
        "ACC_TRDVOL": f"{day.volume:,}",
        "ACC_TRDVAL": f"{day.volume * day.close:,}",
        "MKTCAP": f"{day.close * SHARES:,}",
        "LIST_SHRS": f"{SHARES:,}",
    }


def _of_index(day: Day) -> dict[str, str]:
    named = {name.replace("TDD_", "") + "_IDX": text for name, text in _prices(day).items() if name.startswith("TDD_")}
    return {"TRD_DD": day.day.strftime("%Y/%m/%d"), **named, "ACC_TRDVOL": f"{day.volume:,}"}


def _date(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day of the exchange, without a time
