"""The emulator's overseas ledger: orders in the United States, their list, balances and buying power, in dollars."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from quant.markets.calendar import NEW_YORK, SEOUL

from emulators.house import House, No, Slip
from emulators.kis import overseas_quotations

Environment = Literal["real", "paper"]
TRADING: Final = "/uapi/overseas-stock/v1/trading"
QUOTES: Final = "/uapi/overseas-price/v1/quotations"
MARK: Final = "overseas/"
"""Before the names of these calls, since both ledgers have calls of the same name."""
_PAGE: Final = 20
_SIDES: Final[dict[str, Literal["buy", "sell"]]] = {"TTTT1002U": "buy", "TTTT1006U": "sell"}
CALLS: Final = {
    "overseas/order": set(_SIDES),
    "overseas/order-rvsecncl": {"TTTT1004U"},
    "overseas/inquire-ccnl": {"TTTS3035R"},
    "overseas/inquire-nccs": {"TTTS3018R"},
    "overseas/inquire-balance": {"TTTS3012R"},
    "overseas/inquire-present-balance": {"CTRP6504R"},
    "overseas/inquire-psamount": {"TTTS3007R"},
    "overseas/price": {"HHDFS00000300"},
    **overseas_quotations.CALLS,
}
_OF_THE_MARKET: Final = frozenset({"overseas/price", *overseas_quotations.CALLS})
REAL_ONLY: Final = {"overseas/inquire-nccs"}
ON_PAPER: Final = {"VTTT1001U": "TTTT1006U", "VTRP6504R": "CTRP6504R"}
"""Paper names of transactions that are not the real one's with another first letter."""
EXCHANGES: Final = {"NAS": "NASD", "NYS": "NYSE", "AMS": "AMEX"}
HOME: Final = "NASD"
"""Where a stock is listed unless somebody said otherwise."""
Fields = Mapping[str, str]
Body = dict[str, Any]


def path_of(call: str) -> str:
    """The address of a call."""
    name = call.removeprefix(MARK)
    return f"{QUOTES if call in _OF_THE_MARKET else TRADING}/{name}"


class OverseasDesk:
    """Answers calls, each from the upper-case fields of its request."""

    def __init__(self, house: House, environment: Environment) -> None:
        self.house = house
        self.environment = environment
        self.listed_at: dict[str, str] = {}
        self.pages_cut = False
        self.answers: dict[str, Callable[[Fields, str, str], Body | No]] = {
            "overseas/order": self._order,
            "overseas/order-rvsecncl": self._change,
            "overseas/inquire-ccnl": self._orders,
            "overseas/inquire-nccs": self._open_orders,
            "overseas/inquire-balance": self._balance,
            "overseas/inquire-present-balance": self._present,
            "overseas/inquire-psamount": self._buying_power,
            "overseas/price": self._price,
            **overseas_quotations.OverseasQuotations(house, self._is_here).answers,
        }

    def answer(self, call: str, fields: Fields, transaction: str, page: str) -> Body | No:
        """What is said to a call whose transaction is right."""
        try:
            return self.answers[call](fields, transaction, page)
        except (KeyError, InvalidOperation):
            return No("field_missing")

    def exchange_of(self, symbol: str) -> str:
        return self.listed_at.get(symbol, HOME)

    def _order(self, fields: Fields, transaction: str, _: str) -> Body | No:
        symbol = fields["PDNO"]
        if fields["ORD_DVSN"] != "00" or fields["ORD_SVR_DVSN_CD"] != "0":
            return No("order_type_not_allowed")
        if symbol not in self.house.exchanges or fields["OVRS_EXCG_CD"] != self.exchange_of(symbol):
            return No("unknown_symbol")
        side = _SIDES[transaction]
        if side == "sell" and fields.get("SLL_TYPE") != "00":
            return No("order_type_not_allowed")
        slip = Slip(
            number=self.house.next_number(),
            original="",
            account=_account(fields),
            symbol=symbol,
            side=side,
            kind="00",
            quantity=Decimal(fields["ORD_QTY"]),
            price=Decimal(fields["OVRS_ORD_UNPR"]),
            at=self.house.clock(),
            venue=self.exchange_of(symbol),
        )
        refusal = self.house.place(slip)
        return refusal or {"msg_cd": "APBK0013", "msg1": "주문 전송 완료 되었습니다.", "output": _taken(slip)}

    def _change(self, fields: Fields, _: str, __: str) -> Body | No:
        number, account = self.house.next_number(), _account(fields)
        original = fields["ORGN_ODNO"].zfill(10)
        before = self.house.slips.get(original)
        if before is not None and fields["OVRS_EXCG_CD"] != before.venue:
            return No("order_not_found")
        if fields["RVSE_CNCL_DVSN_CD"] == "02":  # a part is silently taken for the whole
            slip = self.house.cancel(original, account, number, None)
        elif before is not None and Decimal(fields["ORD_QTY"]) != before.open:
            return No("quantity_grows")
        else:
            slip = self.house.change(original, account, number, None, Decimal(fields["OVRS_ORD_UNPR"]))
        if isinstance(slip, No):
            return slip
        slip.venue = before.venue if before is not None else HOME
        return {"msg_cd": "APBK0013", "output": _taken(slip)}

    def _orders(self, fields: Fields, _: str, page: str) -> Body | No:
        blank = {"PDNO": "", "SLL_BUY_DVSN": "00", "CCLD_NCCS_DVSN": "00", "OVRS_EXCG_CD": ""}
        if self.environment == "paper" and any(fields.get(name) != value for name, value in blank.items()):
            return No("field_missing")
        first, last = fields["ORD_STRT_DT"], fields["ORD_END_DT"]
        slips = [
            slip
            for slip in self.house.slips.values()
            if slip.account == _account(fields)
            and first <= f"{slip.at.astimezone(NEW_YORK):%Y%m%d}" <= last
            and fields.get("PDNO", "") in {"", "%", slip.symbol}
        ]
        slips.sort(key=lambda slip: slip.number)
        return self._paged([order_row(slip) for slip in slips], fields, page)

    def _open_orders(self, fields: Fields, _: str, page: str) -> Body:
        slips = [slip for slip in self.house.slips.values() if slip.account == _account(fields) and slip.open]
        return self._paged([order_row(slip) for slip in slips], fields, page)

    def _paged(self, rows: list[Body], fields: Fields, page: str, name: str = "output") -> Body:
        begin = int(fields.get("CTX_AREA_NK200", "").strip() or 0) if page == "N" else 0
        more = begin + _PAGE < len(rows) and not self.pages_cut
        marks = {"ctx_area_fk200": "ccnl".ljust(200), "ctx_area_nk200": (str(begin + _PAGE) if more else "").ljust(200)}
        return {name: rows[begin : begin + _PAGE], "_more": more} | marks

    def _balance(self, fields: Fields, _: str, page: str) -> Body:
        account = self.house.account(_account(fields))
        is_everywhere = self.environment == "real" and fields["OVRS_EXCG_CD"] == "NASD"
        shown = [
            self._position(symbol, held, account.cost[symbol])
            for symbol, held in account.shares.items()
            if is_everywhere or self.exchange_of(symbol) == fields["OVRS_EXCG_CD"]
        ]
        totals = dict.fromkeys(("frcr_pchs_amt1", "ovrs_rlzt_pfls_amt", "ovrs_tot_pfls", "rlzt_erng_rt"), "0")
        return self._paged(shown, fields, page, "output1") | {"output2": totals}

    def _position(self, symbol: str, held: Decimal, cost: Decimal) -> Body:
        last = self.house.exchanges[symbol].last or Decimal(0)
        return {
            "prdt_type_cd": "512",
            "ovrs_pdno": symbol,
            "ovrs_item_name": symbol,
            "frcr_evlu_pfls_amt": _money(held * last - cost),
            "evlu_pfls_rt": "0.00",
            "pchs_avg_pric": f"{cost / held if held else 0:.4f}",
            "ovrs_cblc_qty": f"{held:.0f}",
            "ord_psbl_qty": f"{held:.0f}",
            "frcr_pchs_amt1": _money(cost),
            "ovrs_stck_evlu_amt": _money(held * last),
            "now_pric2": _money(last),
            "tr_crcy_cd": "USD",
            "ovrs_excg_cd": self.exchange_of(symbol),
            "loan_type_cd": "",
            "loan_dt": "",
            "expd_dt": "",
        }

    def _present(self, fields: Fields, _: str, __: str) -> Body:
        """Deposits before what traded today has settled, and what that was."""
        account = _account(fields)
        traded = {side: Decimal(0) for side in ("buy", "sell")}
        for slip in self.house.slips.values():
            if slip.account == account:
                traded[slip.side] += slip.amount
        cash = self.house.account(account).cash + traded["buy"] - traded["sell"]
        dollars = {
            "crcy_cd": "USD",
            "frcr_buy_amt_smtl": _money(traded["buy"]),
            "frcr_sll_amt_smtl": _money(traded["sell"]),
            "frcr_dncl_amt_2": _money(cash),
            "frst_bltn_exrt": "1300.00000000",
            "frcr_drwg_psbl_amt_1": _money(cash),
            "nxdy_frcr_drwg_psbl_amt": _money(cash),
        }
        held = self.house.account(account)
        shown = [self._present_position(symbol, count, held.cost[symbol]) for symbol, count in held.shares.items()]
        return {"output1": shown, "output2": [dollars], "output3": {"tot_dncl_amt": "0"}, "_more": False}

    def _present_position(self, symbol: str, held: Decimal, cost: Decimal) -> Body:
        last = self.house.exchanges[symbol].last or Decimal(0)
        counts = dict.fromkeys(("cblc_qty13", "ccld_qty_smtl1", "ord_psbl_qty1"), f"{held:.0f}")
        amounts = {"frcr_pchs_amt": cost, "frcr_evlu_amt2": held * last, "evlu_pfls_amt2": held * last - cost}
        zeros = ("thdt_buy_ccld_qty1", "thdt_sll_ccld_qty1", "evlu_pfls_rt1", "pchs_rmnd_wcrc_amt", "loan_rmnd")
        return {
            "pdno": symbol,
            "prdt_name": symbol,
            "std_pdno": symbol,
            "prdt_type_cd": "512",
            **counts,
            **{name: _money(amount) for name, amount in amounts.items()},
            **dict.fromkeys(zeros, "0"),
            "ovrs_now_pric1": _money(last),
            "avg_unpr3": f"{cost / held if held else 0:.4f}",
            "buy_crcy_cd": "USD",
            "crcy_cd": "USD",
            "bass_exrt": "1300.00000000",
            "natn_kor_name": "미국",
            "tr_mket_name": "나스닥",
            "ovrs_excg_cd": self.exchange_of(symbol),
            "unit_amt": "1",
            "loan_dt": "",
            "loan_expd_dt": "",
        }

    def _buying_power(self, fields: Fields, _: str, __: str) -> Body:
        cash, price = self.house.spendable(_account(fields)), Decimal(fields["OVRS_ORD_UNPR"])
        shares = str(cash // price) if price else "0"
        amounts = dict.fromkeys(("ord_psbl_frcr_amt", "ovrs_ord_psbl_amt", "frcr_ord_psbl_amt1"), _money(cash))
        counts = dict.fromkeys(("max_ord_psbl_qty", "ord_psbl_qty", "ovrs_max_ord_psbl_qty"), shares)
        zeros = dict.fromkeys(("sll_ruse_psbl_amt", "echm_af_ord_psbl_amt", "echm_af_ord_psbl_qty"), "0")
        return {"output": {"tr_crcy_cd": "USD", "exrt": "1300.0000"} | amounts | counts | zeros}

    def _price(self, fields: Fields, _: str, __: str) -> Body:
        """The last price; at an exchange where the symbol is not listed, everything is blank."""
        symbol = fields["SYMB"]
        is_here = self._is_here(symbol, fields["EXCD"])
        last = _money(self.house.exchanges[symbol].last or Decimal(0)) if is_here else ""
        blank = dict.fromkeys(("base", "pvol", "sign", "diff", "rate", "tvol", "tamt", "ordy"), "")
        return {"output": {"rsym": f"D{fields['EXCD']}{symbol}", "zdiv": "4", "last": last} | blank}

    def _is_here(self, symbol: str, exchange: str) -> bool:
        """Whether a symbol is listed, and at the exchange that quotes call so."""
        return symbol in self.house.exchanges and EXCHANGES.get(exchange) == self.exchange_of(symbol)


def order_row(slip: Slip) -> dict[str, str]:
    """A row of inquire-ccnl."""
    side, name = ("01", "매도") if slip.side == "sell" else ("02", "매수")
    action, said = {"order": ("00", ""), "change": ("01", "정정"), "cancel": ("02", "취소")}[slip.action]
    average = slip.amount / slip.filled if slip.filled else Decimal(0)
    at = slip.at
    row = {
        "ord_dt": f"{at.astimezone(NEW_YORK):%Y%m%d}",
        "ord_gno_brno": "00950",
        "odno": slip.number,
        "orgn_odno": slip.original,
        "sll_buy_dvsn_cd": side,
        "sll_buy_dvsn_cd_name": name,
        "rvse_cncl_dvsn": action,
        "rvse_cncl_dvsn_name": said,
        "pdno": slip.symbol,
        "prdt_name": slip.symbol,
        "ft_ord_qty": f"{slip.quantity:.0f}",
        "ft_ord_unpr3": _money(slip.price),
        "ft_ccld_qty": f"{slip.filled:.0f}",
        "ft_ccld_unpr3": _money(average),
        "ft_ccld_amt3": _money(slip.amount),
        "nccs_qty": f"{slip.open:.0f}",
        "prcs_stat_name": "완료",
        "ord_tmd": f"{at.astimezone(SEOUL):%H%M%S}",
        "tr_mket_name": "나스닥",
        "tr_crcy_cd": "USD",
        "tr_natn": "840",
        "ovrs_excg_cd": slip.venue,
        "tr_natn_name": "미국",
        "dmst_ord_dt": f"{at.astimezone(SEOUL):%Y%m%d}",
        "thco_ord_tmd": f"{at.astimezone(SEOUL):%H%M%S}",
    }
    empty = ("rjct_rson", "rjct_rson_name", "loan_type_cd", "loan_dt", "mdia_dvsn_name", "usa_amk_exts_rqst_yn")
    return row | dict.fromkeys((*empty, "splt_buy_attr_name"), "")


def _taken(slip: Slip) -> dict[str, str]:
    return {
        "KRX_FWDG_ORD_ORGNO": "00950",
        "ODNO": slip.number,
        "ORD_TMD": f"{slip.at.astimezone(SEOUL):%H%M%S}",
    }


def _money(amount: Decimal) -> str:
    return f"{amount:.8f}"


def _account(fields: Fields) -> str:
    return fields["CANO"] + fields["ACNT_PRDT_CD"]
