"""The blocks of the emulator's answers: JSON numbers where the protocol has numbers, every field an object names."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.house import Account, House, Slip

_SIDE: Final = {"buy": "매수", "sell": "매도"}
_ECHO: Final = {
    "CSPAT00601": ("IsuNo", "OrdQty", "OrdPrc", "BnsTpCode", "OrdprcPtnCode", "MgntrnCode", "LoanDt", "OrdCndiTpCode"),
    "CSPAT00701": ("OrgOrdNo", "IsuNo", "OrdQty", "OrdprcPtnCode", "OrdCndiTpCode", "OrdPrc"),
    "CSPAT00801": ("OrgOrdNo", "IsuNo", "OrdQty"),
}
_CASH_ZERO: Final = (
    *("RcvblAmt", "CrdtPldgOrdAmt", "InvstOrgAmt", "InvstPlAmt", "SubstAmt", "MnyrclAmt", "MgnSubst", "ChckAmt"),
    *("SubstOrdAbleAmt", "PrdaySellAdjstAmt", "PrdayBuyAdjstAmt", "CrdaySellAdjstAmt", "CrdayBuyAdjstAmt"),
    *("D1ovdRepayRqrdAmt", "D2ovdRepayRqrdAmt", "DpspdgLoanAmt", "Imreq", "MloanAmt", "OrgPldgAmt", "SubPldgAmt"),
    *("RqrdPldgAmt", "OrgPdlckAmt", "PdlckAmt", "AddPldgMny", "CrdtIntdltAmt", "EtclndAmt", "NtdayPrsmptCvrgAmt"),
    *("OrgPldgSumAmt", "CrdtOrdAbleAmt", "SubPldgSumAmt", "CrdtPldgAmtMny", "CrdtPldgSubstAmt", "AddCrdtPldgMny"),
    *("CrdtPldgRuseAmt", "AddCrdtPldgSubst", "CslLoanAmtdt1", "DpslRestrcAmt", "MgnMny", "BalEvalAmt"),
)
_CASH_ALL: Final = (
    *("MnyOrdAbleAmt", "MnyoutAbleAmt", "SeOrdAbleAmt", "KdqOrdAbleAmt", "DpsastTotamt", "Dps", "D1Dps", "D2Dps"),
    *("MgnRat100pctOrdAbleAmt", "MgnRat35ordAbleAmt", "MgnRat50ordAbleAmt", "D1OrdAbleAmt"),
    *("D1PrsmptWthdwAbleAmt", "D2PrsmptWthdwAbleAmt"),
)
_HOLDING_ZERO: Final = (
    *("sinamt", "msat", "mpms", "mdat", "mpmd", "jsat", "jpms", "jdat", "jpmd", "sysprocseq", "fee", "tax"),
    *("sininter",),
)


def account_of(key: str) -> str:
    """The account that a key belongs to: eleven digits."""
    return f"555{zlib.crc32(key.encode()) % 10**8:08d}"


def day(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%Y%m%d}"


def taken(name: str, slip: Slip, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What an order, a change or a cancel is answered with."""
    at = slip.at.astimezone(SEOUL)
    first = {"RecCnt": 1, "AcntNo": slip.account, "InptPwd": ""} | {
        field: asked.get(field, "") for field in _ECHO[name]
    }
    second: dict[str, Any] = {
        "RecCnt": 1,
        "OrdNo": int(slip.number),
        "OrdTime": f"{at:%H%M%S}000",
        "OrdMktCode": "10",
        "BnsTpCode": "2" if slip.side == "buy" else "1",
        "OrdPtnCode": "02" if slip.side == "buy" else "01",
        "ShtnIsuNo": f"A{slip.symbol}",
        "MgempNo": "",
        "OrdAmt": int(slip.quantity * slip.price),
        **dict.fromkeys(("SpareOrdNo", "CvrgSeqno", "RsvOrdNo", "RuseOrdQty"), 0),
        "SpotOrdQty": int(slip.quantity),
        **dict.fromkeys(("MnyOrdAmt", "SubstOrdAmt", "RuseOrdAmt"), 0),
        "AcntNm": "모의투자",
        "IsuNm": slip.symbol,
    }
    if slip.original:
        second["PrntOrdNo"] = int(slip.original)
    return {f"{name}OutBlock1": first, f"{name}OutBlock2": second}


def orders(slips: Sequence[Slip], mark: str, house: House) -> dict[str, Any]:
    """A page of t0425."""
    filled = sum((slip.amount for slip in slips), Decimal(0))
    totals = {
        "tqty": int(sum(slip.quantity for slip in slips)),
        "tcheqty": int(sum(slip.filled for slip in slips)),
        "tordrem": int(sum(slip.open for slip in slips)),
        **dict.fromkeys(("cmss", "tmdamt", "tmsamt", "tax"), 0),
        "tamt": int(filled),
        "cts_ordno": mark,
    }
    return {"t0425OutBlock": totals, "t0425OutBlock1": [_order(slip, house) for slip in slips]}


def _order(slip: Slip, house: House) -> dict[str, Any]:
    at = slip.at.astimezone(SEOUL)
    last = house.exchanges[slip.symbol].last if slip.symbol in house.exchanges else None
    average = slip.amount / slip.filled if slip.filled else Decimal(0)
    status = "확인" if slip.action != "order" else "체결" if slip.filled and not slip.open else "접수"
    return {
        "ordno": int(slip.number),
        "expcode": slip.symbol,
        "medosu": _SIDE[slip.side],
        "qty": int(slip.quantity),
        "price": int(slip.price),
        "cheqty": int(slip.filled),
        "cheprice": int(average) if average == int(average) else float(round(average, 4)),
        "ordrem": int(slip.open),
        "cfmqty": int(slip.canceled + slip.moved),
        "status": status,
        "orgordno": int(slip.original or 0),
        "ordgb": "보통",
        "ordtime": f"{at:%H%M%S}00",
        "ordermtd": "OPEN API",
        "sysprocseq": 0,
        "hogagb": slip.kind,
        "price1": int(last or 0),
        "orggb": "",
        "singb": "00",
        "loandt": "",
        "exchname": slip.venue,
    }


def holdings(held: Account, symbols: Sequence[str], house: House) -> dict[str, Any]:
    """The one page of t0424."""
    blocks = [_holding(symbol, held, house.exchanges[symbol]) for symbol in symbols]
    worth, cost = (sum(block[name] for block in blocks) for name in ("appamt", "mamt"))
    cash = int(held.cash)
    totals = {"sunamt": cash + worth, "dtsunik": 0, "mamt": cost, "sunamt1": cash, "cts_expcode": ""}
    return {"t0424OutBlock": totals | {"tappamt": worth, "tdtsunik": worth - cost}, "t0424OutBlock1": blocks}


def _holding(symbol: str, held: Account, exchange: Exchange) -> dict[str, Any]:
    quantity, cost, last = held.shares[symbol], held.cost[symbol], exchange.last or Decimal(0)
    return {
        "expcode": symbol,
        "jangb": "00",
        "janqty": int(quantity),
        "mdposqt": int(quantity),
        "pamt": int(cost / quantity),
        "mamt": int(cost),
        "lastdt": "",
        "loandt": "",
        "hname": symbol,
        "marketgb": "1",
        "jonggb": "3",
        "janrt": "100.00",
        "price": int(last),
        "appamt": int(quantity * last),
        "dtsunik": int(quantity * last - cost),
        "sunikrt": f"{(quantity * last - cost) / cost * 100:.2f}",
        **dict.fromkeys(_HOLDING_ZERO, 0),
    }


def cash(account: str, held: Account) -> dict[str, Any]:
    """CSPAQ12200."""
    block: dict[str, Any] = {"RecCnt": 1, "BrnNm": "", "AcntNm": "모의투자", "PnlRat": "0.00", "ChgAfPldgRat": "0.00"}
    block |= dict.fromkeys(_CASH_ALL, int(held.cash)) | dict.fromkeys(_CASH_ZERO, 0)
    first = {"RecCnt": 1, "MgmtBrnNo": "", "AcntNo": account, "Pwd": "", "BalCreTp": "0"}
    return {"CSPAQ12200OutBlock1": first, "CSPAQ12200OutBlock2": block}
