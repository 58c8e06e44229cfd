"""A child process that handles one message as the worker does, and kills itself at a chosen point with SIGKILL.

Run by test_kill.py: `python dying_worker.py POINT`, settings in the environment, the message on standard input.
"""

import asyncio
import os
import signal
import sys
from typing import Any, NoReturn

from broker.adapters.simulator.connector import Simulator
from broker.config import Settings
from broker.domain.order import Accepted, ClientKey, OrderIntent, Refused
from broker.resources import open_desk
from broker.subscriptions import subscriptions
from broker.usecases import settle_attempt
from kit.clock import now
from kit.events import Envelope
from kit.settings import load

POINTS = ("before sending", "while matching", "before the answer", "before the commit", "after the commit")


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def arm(simulator: Simulator, point: str) -> None:
    """Set the trap."""
    submit, record = simulator.submit, settle_attempt.record

    async def mortal_submit(order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        if point == "before sending":
            die()
        if point == "while matching":
            simulator._clock = die
        answer = await submit(order, key)
        if point == "before the answer":
            die()
        return answer

    async def mortal_record(*facts: Any, owner: Any) -> None:
        await record(*facts, owner=owner)
        if point == "before the commit":
            die()

    simulator.submit = mortal_submit  # type: ignore[method-assign]
    settle_attempt.record = mortal_record


async def main(point: str) -> None:
    message = Envelope.model_validate_json(sys.stdin.read())
    subscription = subscriptions.handlers[message.type]
    async with open_desk(load(Settings), now) as desk:
        simulator = desk.connectors["simulator"]
        assert isinstance(simulator, Simulator)
        arm(simulator, point)
        await subscription.handler(desk, subscription.model.model_validate(message.data), message)
        die()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
