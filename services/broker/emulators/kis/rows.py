"""The rows of the emulator's answers: every field the protocol names, in strings, empty where the house has nothing."""

from decimal import Decimal
from typing import Final

from quant.markets.calendar import SEOUL
from quant.matching import Exchange

from emulators.house import Account, Slip

OFFICE: Final = "00950"

_SIDE: Final = {"sell": ("01", "현금매도"), "buy": ("02", "현금매수")}
_DAILY_EMPTY: Final = (
    *("loan_dt", "ordr_empno", "ccld_cndt_name", "inqr_ip_addr", "cpbc_ordp_ord_rcit_dvsn_cd", "infm_tmd"),
    *("cpbc_ordp_infm_mthd_dvsn_cd", "ctac_tlno", "cpbc_ordp_mtrl_dvsn_cd", "rsvn_ord_end_dt", "stpm_efct_occr_dtmd"),
)
_BALANCE_ZERO: Final = (
    *("bfdy_buy_qty", "bfdy_sll_qty", "thdt_buyqty", "thdt_sll_qty", "loan_amt", "stln_slng_chgs", "fltt_rt"),
    *("bfdy_cprs_icdc", "sbst_pric", "stck_loan_unpr", "evlu_erng_rt"),
)
_TOTALS_ZERO: Final = (
    *("cma_evlu_amt", "bfdy_buy_amt", "thdt_buy_amt", "nxdy_auto_rdpt_amt", "bfdy_sll_amt", "thdt_sll_amt"),
    *("d2_auto_rdpt_amt", "bfdy_tlex_amt", "thdt_tlex_amt", "tot_loan_amt", "tot_stln_slng_chgs", "asst_icdc_erng_rt"),
    *("bfdy_tot_asst_evlu_amt", "asst_icdc_amt"),
)


def whole(number: Decimal) -> str:
    """Won and shares carry no decimals."""
    return f"{number:.0f}"


def order_row(slip: Slip) -> dict[str, str]:
    """A row of inquire-daily-ccld."""
    at = slip.at.astimezone(SEOUL)
    side, name = _SIDE[slip.side]
    average = slip.amount / slip.filled if slip.filled else Decimal(0)
    row = {
        "ord_dt": f"{at:%Y%m%d}",
        "ord_gno_brno": OFFICE,
        "odno": slip.number,
        "orgn_odno": slip.original,
        "ord_dvsn_name": "지정가" if slip.price else "시장가",
        "sll_buy_dvsn_cd": side,
        "sll_buy_dvsn_cd_name": {"order": name, "change": f"{name}정정", "cancel": f"{name}취소"}[slip.action],
        "pdno": slip.symbol,
        "prdt_name": slip.symbol,
        "ord_qty": whole(slip.quantity),
        "ord_unpr": whole(slip.price),
        "ord_tmd": f"{at:%H%M%S}",
        "tot_ccld_qty": whole(slip.filled),
        "avg_prvs": whole(average),
        "cncl_yn": "Y" if slip.canceled + slip.expired and not slip.open else "N",
        "tot_ccld_amt": whole(slip.amount),
        "ord_dvsn_cd": slip.kind,
        "cnc_cfrm_qty": whole(slip.canceled + slip.expired),
        "rmn_qty": whole(slip.open),
        "rjct_qty": whole(slip.rejected),
        "prdt_type_cd": "300",
        "excg_dvsn_cd": "02",
        "ord_orgno": OFFICE,
        "excg_id_dvsn_cd": slip.venue,
        "stpm_cndt_pric": "0",
    }
    return row | dict.fromkeys(_DAILY_EMPTY, "")


def order_totals(slips: list[Slip]) -> dict[str, str]:
    """output2 of inquire-daily-ccld."""
    filled = sum((slip.filled for slip in slips), Decimal(0))
    amount = sum((slip.amount for slip in slips), Decimal(0))
    return {
        "tot_ord_qty": whole(sum((slip.quantity for slip in slips), Decimal(0))),
        "tot_ccld_qty": whole(filled),
        "tot_ccld_amt": whole(amount),
        "prsm_tlex_smtl": "0",
        "pchs_avg_pric": f"{amount / filled if filled else 0:.4f}",
    }


def position_row(symbol: str, account: Account, exchange: Exchange) -> dict[str, str]:
    """A row of inquire-balance; positions sold out stay with zero."""
    held, cost = account.shares[symbol], account.cost[symbol]
    last = exchange.last or Decimal(0)
    worth = held * last
    row = {
        "pdno": symbol,
        "prdt_name": symbol,
        "trad_dvsn_name": "현금",
        "hldg_qty": whole(held),
        "ord_psbl_qty": whole(held),
        "pchs_avg_pric": f"{cost / held if held else 0:.4f}",
        "pchs_amt": whole(cost),
        "prpr": whole(last),
        "evlu_amt": whole(worth),
        "evlu_pfls_amt": whole(worth - cost),
        "evlu_pfls_rt": f"{(worth - cost) / cost * 100 if cost else 0:.2f}",
        "loan_dt": "",
        "expd_dt": "",
        "item_mgna_rt_name": "40%",
        "grta_rt_name": "",
    }
    return row | dict.fromkeys(_BALANCE_ZERO, "0")


def balance_totals(account: Account, worth: Decimal, cost: Decimal) -> dict[str, str]:
    """The one row of output2 of inquire-balance."""
    total = account.cash + worth
    row = {
        "dnca_tot_amt": whole(account.cash),
        "nxdy_excc_amt": whole(account.cash),
        "prvs_rcdl_excc_amt": whole(account.cash),
        "scts_evlu_amt": whole(worth),
        "tot_evlu_amt": whole(total),
        "nass_amt": whole(total),
        "fncg_gld_auto_rdpt_yn": "",
        "pchs_amt_smtl_amt": whole(cost),
        "evlu_amt_smtl_amt": whole(worth),
        "evlu_pfls_smtl_amt": whole(worth - cost),
    }
    return row | dict.fromkeys(_TOTALS_ZERO, "0")
