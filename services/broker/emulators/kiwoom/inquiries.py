"""Inquiries that well-known clients put and our connector does not: the same ledger in Kiwoom's other shapes."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from quant.markets.calendar import SEOUL

from emulators.house import House, Slip
from emulators.kiwoom import rows
from emulators.kiwoom.rows import padded

_ZERO: Final = padded(Decimal(0), 12)
_VALUATION_ZERO: Final = (
    *("tot_grnt_sella", "tdy_lspft_amt", "invt_bsamt", "lspft_amt", "tdy_lspft", "lspft2", "lspft"),
    *("tdy_lspft_rt", "lspft_ratio", "lspft_rt"),
)
_BALANCE_ZERO: Final = (
    *("uncl_stk_amt", "repl_amt", "rght_repl_amt", "ch_uncla", "crd_int_npay_gold", "etc_loana", "nrpy_loan"),
    *("profa_ch", "repl_profa", "crd_loan_tot", "crd_loan_ls_tot", "crd_grnt_rt", "dpst_grnt_use_amt_amt"),
    *("grnt_loan_amt",),
)
_CASH: Final = (
    *("entr", "entr_d1", "entr_d2", "pymn_alow_amt", "ord_alowa", "tot_re_buy_alowa"),
    *(f"{margin}ord_alow_amt" for margin in (20, 30, 40, 50, 60, 100)),
)


def fills(slips: Iterable[Slip]) -> dict[str, Any]:
    """ka10076: orders of today that have traded."""
    return {"cntr": [_fill(slip) for slip in slips if slip.filled]}


def _fill(slip: Slip) -> dict[str, str]:
    row = rows.order(slip)
    return {
        "ord_no": slip.number,
        "stk_nm": slip.symbol,
        "io_tp_nm": row["io_tp_nm"],
        "ord_pric": f"{slip.price:.0f}",
        "ord_qty": f"{slip.quantity:.0f}",
        "cntr_pric": f"{slip.amount / slip.filled:.0f}",
        "cntr_qty": f"{slip.filled:.0f}",
        "oso_qty": f"{slip.open:.0f}",
        **dict.fromkeys(("tdy_trde_cmsn", "tdy_trde_tax", "stop_pric"), "0"),
        "ord_stt": "체결",
        "trde_tp": row["trde_tp"],
        "orig_ord_no": row["ori_ord"],
        "ord_tm": f"{slip.at.astimezone(SEOUL):%H%M%S}",
        "stk_cd": slip.symbol,
        "stex_tp": "2" if slip.is_at_nxt else "1",
        "stex_tp_txt": "NXT" if slip.is_at_nxt else "KRX",
        "sor_yn": "Y" if slip.venue == "SOR" else "N",
    }


def orders(slips: list[Slip]) -> dict[str, Any]:
    """kt00009: orders of a day with what they came to."""
    sums = {side: sum((slip.amount for slip in slips if slip.side == side), Decimal(0)) for side in ("sell", "buy")}
    totals = {"sell_grntl_engg_amt": sums["sell"], "buy_engg_amt": sums["buy"], "engg_amt": sums["sell"] + sums["buy"]}
    shown = [_order(rows.order(slip)) for slip in slips]
    return {name: padded(amount, 12) for name, amount in totals.items()} | {"acnt_ord_cntr_prst_array": shown}


def _order(row: dict[str, str]) -> dict[str, str]:
    same = (
        *("ord_no", "stk_cd", "trde_tp", "io_tp_nm", "ord_qty", "ord_uv", "cnfm_qty", "acpt_tp", "stk_nm"),
        *("cntr_qty", "cntr_uv", "comm_ord_tp", "dmst_stex_tp", "cond_uv"),
    )
    told = {"orig_ord_no": row["ori_ord"], "mdfy_cncl_tp": row["mdfy_cncl"], "cntr_tm": row["ord_tm"]}
    rest = {"stk_bond_tp": "1", "crd_deal_tp": row["crd_tp"], "setl_tp": "", "rsrv_oppo": "", "cntr_no": ""}
    return {name: row[name] for name in same} | told | rest


def valuation(account: str, house: House) -> dict[str, Any]:
    """kt00004: what the account is worth."""
    cash, held = padded(house.account(account).cash, 12), _held(account, house)
    return {
        "acnt_nm": "",
        "brch_nm": "",
        "entr": cash,
        "d2_entra": cash,
        "tot_est_amt": held["tot_evlt_amt"],
        "aset_evlt_amt": held["prsm_dpst_aset_amt"],
        "tot_pur_amt": held["tot_pur_amt"],
        "prsm_dpst_aset_amt": held["prsm_dpst_aset_amt"],
        **dict.fromkeys(_VALUATION_ZERO, _ZERO),
        "stk_acnt_evlt_prst": [_valued(row) for row in held["acnt_evlt_remn_indv_tot"]],
    }


def _valued(row: dict[str, str]) -> dict[str, str]:
    same = (
        *("stk_cd", "stk_nm", "rmnd_qty", "cur_prc", "evlt_amt", "pur_amt"),
        *("pred_buyq", "pred_sellq", "tdy_buyq", "tdy_sellq"),
    )
    told = {"avg_prc": row["pur_pric"], "pl_amt": row["evltv_prft"], "pl_rt": row["prft_rt"], "loan_dt": ""}
    return {name: row[name] for name in same} | told | {"setl_remn": row["rmnd_qty"]}


def balance(account: str, house: House) -> dict[str, Any]:
    """kt00005: cash, and what is held by execution."""
    cash, held = padded(house.account(account).cash, 12), _held(account, house)
    return {
        **dict.fromkeys(_CASH, cash),
        **dict.fromkeys(_BALANCE_ZERO, _ZERO),
        "stk_buy_tot_amt": held["tot_pur_amt"],
        "evlt_amt_tot": held["tot_evlt_amt"],
        "tot_pl_tot": held["tot_evlt_pl"],
        "tot_pl_rt": held["tot_prft_rt"],
        "stk_cntr_remn": [_executed(row) for row in held["acnt_evlt_remn_indv_tot"]],
    }


def _executed(row: dict[str, str]) -> dict[str, str]:
    same = ("crd_tp", "stk_cd", "stk_nm", "cur_prc", "pur_amt", "evlt_amt", "evltv_prft")
    told = {"setl_remn": row["rmnd_qty"], "cur_qty": row["rmnd_qty"], "buy_uv": row["pur_pric"]}
    return {name: row[name] for name in same} | told | {"pl_rt": row["prft_rt"], "loan_dt": "", "expr_dt": ""}


def _held(account: str, house: House) -> dict[str, Any]:
    held = house.account(account)
    return rows.holdings(held, {symbol: house.exchanges[symbol] for symbol in held.shares})
