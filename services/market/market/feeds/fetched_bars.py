"""Whether a source's answer can be believed: its rows are judged like uploaded ones, its history like a suspect's.

Of the peculiarities of `bar_findings`, three cannot be true of a good answer: a hundredfold price, one day told twice
in different words, and, in a series that claims to be adjusted, a jump that no session allows. A raw series may jump:
that is a split somebody has to record. Everything else is kept, and told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
from quant.markets.listing import Board, Kind, market_of

from market.domain.instrument import AdjustmentOfBars
from market.feeds.bar_files import AS_READ, REQUIRED, SURPLUS, SYMBOL
from market.feeds.bar_findings import Finding, findings_in
from market.feeds.bar_rules import BadRow, BarSheet, judge_rows
from market.providers.port import RawBar


@dataclass(frozen=True, slots=True)
class Claim:
    """What a source says its rows are."""

    source: str
    board: Board
    kind: Kind
    adjustment: AdjustmentOfBars


@dataclass(frozen=True, slots=True)
class Believed:
    """The good rows, what is peculiar about them, what was left out, and why the answer as a whole is doubted."""

    rows: pl.DataFrame
    findings: tuple[Finding, ...]
    bad: tuple[BadRow, ...]
    doubts: tuple[str, ...]


def believe(bars: Sequence[RawBar], claim: Claim, today: date, unfinished: date | None) -> Believed:
    """Judge an answer.

    Args:
        bars: as the source wrote them; the same day told twice in the same words counts once.
        claim: what the source says they are.
        today: the date at the market.
        unfinished: the day whose session has not ended; its bar is left out, as it will change.
    """
    once = list(dict.fromkeys(bars))
    sheet = judge_rows(_as_read(once, claim.source), market_of(claim.board), today)
    rows = sheet.rows if unfinished is None else sheet.rows.filter(pl.col("day") < unfinished)
    findings = tuple(findings_in(rows, claim.board, claim.kind, None)) if rows.height else ()
    return Believed(rows, findings, sheet.bad, tuple(_doubts(sheet, findings, claim)))


def _as_read(bars: Sequence[RawBar], source: str) -> pl.DataFrame:
    frame = pl.DataFrame(bars, schema=[SYMBOL, *REQUIRED], orient="row", schema_overrides={SYMBOL: pl.String})
    placed = frame.with_row_index("line", 1).with_columns(pl.lit(source).alias("file"), pl.lit(None).alias(SURPLUS))
    return placed.select(AS_READ.names()).cast(AS_READ)


def _doubts(sheet: BarSheet, findings: Sequence[Finding], claim: Claim) -> list[str]:
    doubted = {"hundredfold"} | ({"jump"} if claim.adjustment == "adjusted" else set())
    doubts = [f"{one.note} ({', '.join(one.examples)})" for one in findings if one.code in doubted]
    doubts += [f"{row.code}: {row.reason}" for row in sheet.bad if row.code == "duplicate_day"]
    if sheet.bad_count and sheet.rows.is_empty():
        doubts.append(f"no row can be used: {sheet.bad[0].reason}")
    return doubts
