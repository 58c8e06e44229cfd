"""The breaker: a glitch passes soon, a block does not, and one success ends either."""

from broker.domain.breaker import FIRST_MILLISECONDS, IN_A_ROW, LONGEST_MILLISECONDS, Breaker


def after(breaker: Breaker, trouble: str, times: int, moment: int) -> Breaker:
    for _ in range(times):
        breaker = breaker.failed(trouble, moment)  # type: ignore[arg-type]  # one of the two words
    return breaker


def test_a_few_failures_stop_nothing() -> None:
    for trouble, enough in IN_A_ROW.items():
        assert not after(Breaker(), trouble, enough - 1, 0).refuses(0)


def test_enough_in_a_row_stop_everything_for_a_while_and_a_block_for_longer() -> None:
    for trouble, pause in FIRST_MILLISECONDS.items():
        broken = after(Breaker(), trouble, IN_A_ROW[trouble], 100)
        assert broken.refuses(99 + pause)
        assert not broken.refuses(100 + pause)
    assert FIRST_MILLISECONDS["block"] > LONGEST_MILLISECONDS["glitch"]


def test_each_further_failure_doubles_the_pause_up_to_the_longest() -> None:
    for trouble, longest in LONGEST_MILLISECONDS.items():
        moment, pauses = 0, []
        breaker = after(Breaker(), trouble, IN_A_ROW[trouble], moment)
        for _ in range(6):
            pauses.append(breaker.closed_until - moment)
            moment = breaker.closed_until
            breaker = breaker.failed(trouble, moment)
        assert pauses == sorted(pauses)
        assert pauses[1] == min(2 * pauses[0], longest)
        assert pauses[-1] == longest


def test_other_trouble_is_counted_from_the_beginning() -> None:
    breaker = after(after(Breaker(), "glitch", 4, 0), "block", 4, 0)
    assert not breaker.refuses(0)


def test_one_success_forgets_everything() -> None:
    assert after(Breaker(), "block", 9, 0).succeeded() == Breaker()
