"""A child process that handles one message as the worker does, and kills itself at a chosen point with SIGKILL.

Run by test_kill.py: `python dying_worker.py WAY POINT`, settings in the environment, the message on standard input.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from broker.adapters.port import Entry
from broker.adapters.simulator.connector import Simulator
from broker.config import Settings
from broker.desk import Desk
from broker.domain.order import Accepted, ClientKey, OrderIntent, Refused
from broker.resources import open_desk
from broker.store import portions
from broker.store.portions import First
from broker.subscriptions import subscriptions
from kit.clock import now
from kit.db import Session
from kit.events import Envelope
from kit.settings import load

from services.broker.tests.floor import Line

POINTS = ("before sending", "while matching", "before the answer", "before the commit", "after the commit")
WAYS = ("in phases", "in house")
"""As to every broker, and as to an exchange whose books are in our own database."""


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def mortal_save(desk: Desk, point: str, *, before: str = "") -> None:
    """Die after the statement that keeps an answer, as long as it is not on disk; or before it, at a point named so."""
    save_first = portions.save_first

    async def save(session: Session, answers: Sequence[First]) -> list[bool]:
        if point == before:
            die()
        if point == "before the commit":
            async with desk.database.system() as unending:
                await save_first(unending, answers)
                die()
        return await save_first(session, answers)

    portions.save_first = save


def in_phases(desk: Desk, simulator: Simulator, point: str) -> None:
    """Set the trap on the way with a transaction for each phase."""
    submit = simulator.submit

    async def mortal_submit(order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        if point == "before sending":
            die()
        answer = await submit(order, key)
        if point == "before the answer":
            die()
        return answer

    simulator.submit = mortal_submit  # type: ignore[method-assign]
    mortal_save(desk, point)
    desk.connectors["simulator"] = Line(simulator)  # type: ignore[index]


def in_house(desk: Desk, simulator: Simulator, point: str) -> None:
    """Set the trap on the way where an order enters the books together with its attempt."""
    approach = simulator.approach

    async def mortal_approach(symbol: str) -> Entry:
        enter = await approach(symbol)

        async def mortal_enter(session: Session, orders: Sequence[OrderIntent]) -> Sequence[Accepted | Refused]:
            if point == "before sending":
                die()
            return await enter(session, orders)

        return mortal_enter

    simulator.approach = mortal_approach  # type: ignore[method-assign]
    mortal_save(desk, point, before="before the answer")


async def main(way: str, point: str) -> None:
    message = Envelope.model_validate_json(sys.stdin.read())
    subscription = subscriptions.handlers[message.type]
    async with open_desk(load(Settings), now) as desk:
        simulator = desk.connectors["simulator"]
        assert isinstance(simulator, Simulator)
        if point == "while matching":
            simulator._clerk = die
        (in_house if way == "in house" else in_phases)(desk, simulator, point)
        await subscription.handler(desk, subscription.model.model_validate(message.data), message)
        die()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
