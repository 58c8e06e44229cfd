"""DART as it answers: a list of filings, and a company's accounts."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fakefeeds.world import Fault, World

OK = {"status": "000", "message": "정상"}


async def dart(world: World, request: Request, _fault: Fault | None) -> Response:
    """Status words inside a 200, as OpenDART does."""
    if request.query_params.get("crtfc_key") != world.key:
        return JSONResponse({"status": "010", "message": "등록되지 않은 키입니다."})
    if world.calls["dart"] > world.daily_calls_max.get("dart", 20_000):
        return JSONResponse({"status": "020", "message": "요청 제한을 초과하였습니다."})
    if request.path_params["name"] == "fnlttSinglAcnt" and request.query_params["bsns_year"] in {"2023", "2026"}:
        return JSONResponse({**OK, "list": _accounts()})
    if request.path_params["name"] != "list" or not world.issues:
        return JSONResponse({"status": "013", "message": "조회된 데이타가 없습니다."})
    day = request.query_params["end_de"]
    filings = [
        {
            "corp_code": f"{place:08d}",
            "corp_name": issue.name,
            "stock_code": issue.symbol,
            "corp_cls": "Y",
            "report_nm": "분기보고서 (2026.09)",
            "rcept_no": f"{day}{place:06d}",
            "flr_nm": issue.name,
            "rcept_dt": day,
            "rm": "",
        }
        for place, issue in enumerate(world.issues.values(), 1)
    ]
    return JSONResponse(
        {**OK, "page_no": 1, "page_count": 100, "total_count": len(filings), "total_page": 1, "list": filings}
    )


def _accounts() -> list[dict[str, str]]:
    """A year's report of a group and of its parent alone, amounts with separators."""
    sums = {"유동자산": 400, "자산총계": 1_000, "유동부채": 200, "부채총계": 500, "자본총계": 500, "당기순이익": 50}
    return [
        {
            "rcept_no": "20240312000736",
            "fs_div": scope,
            "account_nm": name,
            "thstrm_amount": f"{amount * factor * 1_000_000:,}",
        }
        for scope, factor in (("OFS", 7), ("CFS", 1))
        for name, amount in sums.items()
    ]
