"""The rows of the emulator's answers: text, zero-padded where Kiwoom pads, signed where the sign is a direction."""

import zlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.house import Account, Slip

_SIDE: Final = {"buy": "현금매수", "sell": "현금매도"}
_ACTION: Final = {"order": "", "change": "정정", "cancel": "취소"}
_KIND: Final = {True: "보통", False: "시장가"}
_CASH: Final = (
    *("entr", "d1_entra", "d2_entra", "ord_alow_amt", "pymn_alow_amt", "d1_pymn_alow_amt", "d2_pymn_alow_amt"),
    *("20stk_ord_alow_amt", "30stk_ord_alow_amt", "40stk_ord_alow_amt", "100stk_ord_alow_amt"),
)


def account_of(key: str) -> str:
    """The account that a key belongs to: ten digits."""
    return f"81{zlib.crc32(key.encode()) % 10**8:08d}"


def padded(number: Decimal, digits: int) -> str:
    """Zero-padded; a negative number has its sign in front of the zeros and one digit fewer."""
    return f"{int(number):0{digits}d}"


def directed(price: Decimal | None, base: Decimal | None) -> str:
    """A price with its direction since yesterday in front."""
    sign = "-" if price is not None and base is not None and price < base else "+"
    return f"{sign}{int(price or 0)}"


def order(slip: Slip) -> dict[str, str]:
    """A row of kt00007."""
    at = slip.at.astimezone(SEOUL)
    average = slip.amount / slip.filled if slip.filled else Decimal(0)
    state = "확인" if slip.action != "order" else "체결" if slip.filled else "접수"
    return {
        "ord_no": slip.number,
        "stk_cd": f"A{slip.symbol}",
        "trde_tp": _KIND[slip.limit],
        "crd_tp": "현금",
        "ord_qty": padded(slip.quantity, 10),
        "ord_uv": padded(slip.price, 10),
        "cnfm_qty": padded(slip.canceled + slip.moved, 10),
        "acpt_tp": state,
        "rsrv_tp": "",
        "ord_tm": f"{at:%H:%M:%S}",
        "ori_ord": slip.original or "0000000",
        "stk_nm": slip.symbol,
        "io_tp_nm": _SIDE[slip.side] + _ACTION[slip.action],
        "loan_dt": "",
        "cntr_qty": padded(slip.filled, 10),
        "cntr_uv": padded(average, 10),
        "ord_remnq": padded(slip.open, 10),
        "comm_ord_tp": "REST API",
        "mdfy_cncl": _ACTION[slip.action],
        "cnfm_tm": f"{at:%H:%M:%S}" if slip.action != "order" else "",
        "dmst_stex_tp": slip.venue,
        "cond_uv": "0000000000",
    }


def open_order(slip: Slip, exchange: Exchange) -> dict[str, str]:
    """A row of ka10075, whose numbers are not padded."""
    at, shown = slip.at.astimezone(SEOUL), exchange.outside
    average = slip.amount / slip.filled if slip.filled else Decimal(0)
    return {
        "acnt_no": slip.account,
        "ord_no": slip.number,
        "stk_cd": slip.symbol,
        "ord_stt": "체결" if slip.filled else "접수",
        "stk_nm": slip.symbol,
        "ord_qty": f"{slip.quantity:.0f}",
        "ord_pric": f"{slip.price:.0f}",
        "oso_qty": f"{slip.open:.0f}",
        "cntr_tot_amt": f"{slip.amount:.0f}",
        "orig_ord_no": slip.original or "0000000",
        "io_tp_nm": ("+" if slip.side == "buy" else "-") + ("매수" if slip.side == "buy" else "매도"),
        "trde_tp": _KIND[slip.limit],
        "tm": f"{at:%H%M%S}",
        "cntr_no": "",
        "cntr_pric": f"{average:.0f}" if slip.filled else "",
        "cntr_qty": f"{slip.filled:.0f}",
        "cur_prc": directed(exchange.last, exchange.auction_price),
        "sel_bid": directed(shown.ask, exchange.auction_price),
        "buy_bid": directed(shown.bid, exchange.auction_price),
        **dict.fromkeys(("mang_empno", "tsk_tp", "unit_cntr_pric", "unit_cntr_qty", "ind_invsr"), ""),
        **dict.fromkeys(("tdy_trde_cmsn", "tdy_trde_tax", "stop_pric"), "0"),
        "stex_tp": "2" if slip.is_at_nxt else "1",
        "stex_tp_txt": "NXT" if slip.is_at_nxt else "KRX",
        "sor_yn": "Y" if slip.venue == "SOR" else "N",
    }


def cash(held: Account) -> dict[str, Any]:
    """kt00001."""
    zeros = ("profa_ch", "repl_amt", "ch_uncla", "d1_buy_exct_amt", "d1_sel_exct_amt", "d2_buy_exct_amt")
    return dict.fromkeys(_CASH, padded(held.cash, 15)) | dict.fromkeys(zeros, padded(Decimal(0), 15))


def orderable(cash: Decimal, price: Decimal) -> dict[str, Any]:
    """kt00010; the house lends nothing, so every margin is the whole price."""
    margins = ("20ord", "30ord", "40ord", "50ord", "60ord", "rdex_60ord", "100ord")
    amounts = {f"profa_{each}_alow_amt": padded(cash, 15) for each in margins}
    return amounts | {f"profa_{each}_alowq": padded(cash // price, 10) for each in margins} | {"entr": padded(cash, 15)}


def holdings(held: Account, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    """kt00018."""
    symbols = [symbol for symbol, count in held.shares.items() if count]
    items = [_holding(symbol, held, exchanges[symbol]) for symbol in symbols]
    cost = sum((held.cost[symbol] for symbol in symbols), Decimal(0))
    worth = sum((held.shares[symbol] * (exchanges[symbol].last or 0) for symbol in symbols), Decimal(0))
    return {
        "tot_pur_amt": padded(cost, 15),
        "tot_evlt_amt": padded(worth, 15),
        "tot_evlt_pl": padded(worth - cost, 15),
        "tot_prft_rt": f"{(worth - cost) / cost * 100 if cost else 0:012.2f}",
        "prsm_dpst_aset_amt": padded(held.cash + worth, 15),
        **dict.fromkeys(("tot_loan_amt", "tot_crd_loan_amt", "tot_crd_ls_amt"), padded(Decimal(0), 15)),
        "acnt_evlt_remn_indv_tot": items,
    }


def _holding(symbol: str, held: Account, exchange: Exchange) -> dict[str, str]:
    quantity, cost, last = held.shares[symbol], held.cost[symbol], exchange.last or Decimal(0)
    worth = quantity * last
    zeros = ("pred_buyq", "pred_sellq", "tdy_buyq", "tdy_sellq", "pur_cmsn", "sell_cmsn", "tax", "sum_cmsn")
    return {
        "stk_cd": f"A{symbol}",
        "stk_nm": symbol,
        "evltv_prft": padded(worth - cost, 15),
        "prft_rt": f"{(worth - cost) / cost * 100:012.2f}",
        "pur_pric": padded(cost / quantity, 15),
        "pred_close_pric": padded(exchange.auction_price or Decimal(0), 12),
        "rmnd_qty": padded(quantity, 15),
        "trde_able_qty": padded(quantity, 15),
        "cur_prc": padded(last, 12),
        "pur_amt": padded(cost, 15),
        "evlt_amt": padded(worth, 15),
        **dict.fromkeys(zeros, padded(Decimal(0), 15)),
        "poss_rt": f"{100:012.2f}",
        "crd_tp": "00",
        "crd_tp_nm": "",
        "crd_loan_dt": "",
    }
