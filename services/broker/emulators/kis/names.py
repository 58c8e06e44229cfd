"""What a product number is: a question that well-known clients put before they change an order."""

from collections.abc import Mapping
from typing import Any, Final

from emulators.house import House, No

FOLDER: Final = "/uapi/domestic-stock/v1/quotations"
CALLS: Final = {"search-info": {"CTPF1604R"}}
REAL_ONLY: Final = frozenset(CALLS)
_KOREA, _NASDAQ = "300", "512"
_EMPTY: Final = ("sale_strt_dt", "sale_end_dt", "wrap_asst_type_cd", "ivst_prdt_type_cd", "frst_erlm_dt")


def answer(fields: Mapping[str, str], home: House, abroad: House) -> dict[str, Any] | No:
    """The names of a stock of one kind: those of Korea, or those of NASDAQ, where all American ones are here."""
    symbol, kind = fields["PDNO"], fields["PRDT_TYPE_CD"]
    house = {_KOREA: home, _NASDAQ: abroad}.get(kind)
    if house is None or symbol not in house.exchanges:
        return No("unknown_symbol")
    names = ("prdt_name", "prdt_name120", "prdt_abrv_name", "prdt_eng_name", "prdt_eng_name120", "prdt_eng_abrv_name")
    numbers = {"pdno": symbol, "std_pdno": symbol, "shtn_pdno": symbol, "prdt_type_cd": kind}
    return {"output": numbers | dict.fromkeys(names, symbol) | dict.fromkeys(_EMPTY, "")}
