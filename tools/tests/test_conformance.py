"""The conformance table says which case runs where, and nothing else."""

from tools.conformance import TABLE, render

NODES = [
    "tests/x.py::test_bc_01_all_are_here",
    "tests/x.py::test_bc_02_an_order_is_taken[changes0-kis-buy]",
    "tests/x.py::test_bc_02_an_order_is_taken[simulator-69900-buy]",
    "tests/x.py::test_fm_01_a_line_breaks[kis]",
    "tests/x.py::test_something_else[kis]",
    "3 tests collected",
]


def test_a_case_has_a_row_and_a_connector_a_column() -> None:
    table = render(NODES)
    assert "| | | simulator | kis |" in table
    assert "| BC-01 | all are here | yes | yes |" in table
    assert "| BC-02 | an order is taken | yes | yes |" in table
    assert "| FM-01 | a line breaks | - | yes |" in table
    assert "something else" not in table


def test_the_written_table_shows_no_case_that_does_not_run_anywhere() -> None:
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith(("| BC-", "| FM-"))]
    assert rows
    assert all("yes" in row for row in rows)
