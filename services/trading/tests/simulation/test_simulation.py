"""The order path under seeded faults: nothing unsafe on the way, and everything settled at the end.

`EXODUS_SIMULATION_SEEDS` says how many seeds; 2,000 take about half a minute on a quiet core.
"""

import os
from pathlib import Path

import pytest

from services.trading.tests.simulation.books import Broken
from services.trading.tests.simulation.pairs import PAIR_BUGS, PairBug, PairWorld
from services.trading.tests.simulation.world import BUGS, Bug, World

SEEDS = int(os.environ.get("EXODUS_SIMULATION_SEEDS", "2000"))
STEPS = 120
BUG_SEEDS_MAX = 400
ONCE_FAILED = [int(line) for line in (Path(__file__).parent / "once_failed.txt").read_text().split() if line.isdigit()]


def fails(seed: int, bug: Bug) -> str | None:
    try:
        World(seed, bug).run(STEPS)
    except Exception as found:  # noqa: BLE001 - an assertion of the domain is a find as well
        return f"seed {seed}: {found!r}"
    return None


@pytest.mark.requirement("R-2", "R-3", "R-5", "R-6", "R-7", "R-20")
@pytest.mark.timeout(600)
def test_whatever_goes_wrong_nothing_is_lost_twice_or_for_ever() -> None:
    for seed in range(SEEDS):
        World(seed).run(STEPS)


@pytest.mark.parametrize("seed", ONCE_FAILED)
def test_a_seed_that_found_something_once_finds_nothing_now(seed: int) -> None:
    World(seed).run(STEPS)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    assert any(fails(seed, bug) for seed in range(BUG_SEEDS_MAX)), f"{bug} was not noticed"


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = World(7), World(7)
    first.run(STEPS)
    second.run(STEPS)
    assert first.trades == second.trades
    assert first.books == second.books
    assert first.venue == second.venue


def test_broken_worlds_say_what_is_broken() -> None:
    world = World(1)
    world.books.books[next(iter(world.books.books))] += 1
    with pytest.raises(Broken, match="sum to zero"):
        world.safe()


@pytest.mark.requirement("R-7", "R-20")
def test_of_two_buys_of_which_one_cancels_the_other_only_one_ever_buys() -> None:
    stops_sent = 0
    for seed in range(SEEDS // 20):
        world = PairWorld(seed)
        world.run(STEPS)
        orders = world.books.orders.values()
        stops_sent += sum(order.triggered_at is not None and order.id in world.venue for order in orders)
    assert stops_sent > SEEDS // 40, "the interesting half was hardly played"


@pytest.mark.parametrize("bug", PAIR_BUGS)
def test_a_planted_bug_of_pairs_is_found(bug: PairBug) -> None:
    def fails(seed: int) -> bool:
        try:
            PairWorld(seed, bug).run(STEPS)
        except Exception:  # noqa: BLE001 - an assertion of the domain is a find as well
            return True
        return False

    assert any(map(fails, range(BUG_SEEDS_MAX))), f"{bug} was not noticed"
