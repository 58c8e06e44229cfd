"""Reading another installation, and understanding what may be moved."""

import sqlite3
from pathlib import Path

import pytest

from tools.migration.household import Household, understand
from tools.migration.sources import read
from tools.native.errors import StackError

DUMP = """\
--
-- PostgreSQL database dump
--
COPY auth.users (id, email, encrypted_password) FROM stdin;
7b1\tMinji@example.com\tx
\\.
COPY storage.users (id, email) FROM stdin;
9\tnobody@example.com
\\.
COPY public.strategies (id, user_id, name, buy_condition, sell_condition, description) FROM stdin;
s1\t7b1\tTurtle\tclose > sma(20)\tclose < sma(20)\ta\\tb\\\\c
s2\t7b1\tBlocks\t\\N\t\\N\t\\N
\\.
COPY public.broker_accounts (id, user_id, account_name, broker, environment, currency, balance) FROM stdin;
a1\t7b1\t모의\tkis\tpaper\tKRW\t10000000
a2\t7b1\t실전\tkis\treal\tKRW\t5
\\.
COPY public.positions (account_id, stock_code, quantity, avg_price) FROM stdin;
a1\t005930\t10\t56100.5
a1\t000660\t0\t0
a2\t005930\t3\t1
\\.
COPY public.orders (id, account_id, symbol, status) FROM stdin;
o1\ta1\t005930\tFILLED
\\.
"""


def understood(source: Path, email: str | None = None) -> Household:
    return understand(read(source), email)


def a_dump(folder: Path, text: str = DUMP) -> Path:
    file = folder / "dump.sql"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_dump_gives_its_people_with_what_is_theirs_and_says_what_stays(tmp_path: Path) -> None:
    found = understood(a_dump(tmp_path))
    assert found.problems == []
    [person] = found.people
    assert (person.email, person.name) == ("minji@example.com", "minji")
    [strategy] = person.strategies
    assert (strategy["entry"], strategy["description"]) == ("close > sma(20)", "a\tb\\c")
    [account] = person.accounts
    assert (account["name"], account["currency"], account["cash"]) == ("모의", "KRW", "10000000")
    assert account["holdings"] == [{"symbol": "005930", "quantity": "10", "average_price": "56100.5"}]
    assert [line.partition(": ")[2].split(":")[0] for line in found.left[:2]] == ["strategy Blocks", "account 실전"]
    assert found.left[2].startswith("1 order(s) that have ended")


def test_the_same_thing_has_the_same_id_each_time_and_another_one_elsewhere(tmp_path: Path) -> None:
    first, again = understood(a_dump(tmp_path)), understood(a_dump(tmp_path))
    other = understood(a_dump(tmp_path, DUMP.replace("Minji@", "yuna@")))
    ids = [found.people[0].accounts[0]["id"] for found in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


def test_an_sqlite_file_of_one_person_needs_to_be_told_whose_it_is(tmp_path: Path) -> None:
    file = tmp_path / "trading.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE holdings (ticker TEXT, qty REAL, avg_cost REAL)")
        connection.execute("CREATE TABLE accounts (id INTEGER, name TEXT, currency TEXT, cash TEXT)")
        connection.execute("INSERT INTO accounts VALUES (1, 'Mine', 'usd', '1,000.50')")
        connection.execute("INSERT INTO holdings VALUES ('AAPL', 2.0, 180.5)")
    connection.close()
    assert understood(file).problems[0] == "it names nobody: say whose everything is with --email"
    [person] = understood(file, "me@example.com").people
    assert person.accounts[0]["cash"] == "1000.50"
    assert person.accounts[0]["holdings"] == [{"symbol": "AAPL", "quantity": "2.0", "average_price": "180.5"}]


@pytest.mark.parametrize(
    ("table", "text", "said"),
    [
        ("orders", "id,status\n1,open\n", "orders.csv:2, status: this order is open: let it end over there first"),
        ("accounts", "id,user_id\na,7\n", "accounts.csv:2, user_id: there is nobody of this id"),
        ("accounts", "id,user_id,cash\na,1,much\n", "accounts.csv:2, cash: much is no number"),
        ("accounts", "id,user_id,cash\na,1,NaN\n", "accounts.csv:2, cash: NaN is no number"),
        ("accounts", "id,user_id,currency\na,1,EUR\n", "accounts.csv:2, currency: EUR is neither KRW nor USD"),
        ("positions", "account_id,symbol,quantity\nx,A,1\n", "positions.csv:2, account_id: there is no account of"),
    ],
)
def test_what_is_in_doubt_is_named_with_file_line_and_column(tmp_path: Path, table: str, text: str, said: str) -> None:
    (tmp_path / "users.csv").write_text("id,email\n1,me@example.com\n")
    (tmp_path / f"{table}.csv").write_text(text)
    assert understood(tmp_path).problems[0].startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is nothing in it"),
        ("COPY public.users (id, email) FROM stdin;\n1\n\\.\n", "has 1 fields, its table 2 columns"),
        ("COPY public.users (id, email) FROM stdin;\n1\tme@example.com\n", "the dump was cut off"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(StackError, match=said):
        understood(a_dump(tmp_path, text))
