"""The sender: brings what is due to every channel, each kind by itself, so that none waits for another's outage.

Claimed in one transaction, handed over with none open, settled in another: a crash between the last two sends a message
once more when the lease ends, with the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from kit.errors import Unavailable
from kit.observe import log

from notification.channels.port import SEND_SECONDS_MAX, Gone, Message, NotNow, Port, Refused
from notification.domain.channel import Channel, ChannelKind
from notification.domain.delivery import Delivery
from notification.domain.digest import digest_of
from notification.domain.notice import Language
from notification.domain.owner import OwnerId
from notification.resources import Resources
from notification.sealing import DoesNotOpen
from notification.store import deliveries, preferences, system
from notification.usecases.settle_deliveries import Outcome, settle_deliveries

POLL_SECONDS = 0.5
SLOTS = 8
"""Messages of one kind of channel that are under way at the same time."""
OWNER_SLOTS = SLOTS // 2
"""Who has so many under way is given no more: an owner whose receivers all hang never has every slot."""
LEASE = timedelta(seconds=SEND_SECONDS_MAX + 40)
"""How long a claimed channel is left alone when its sender dies: more than sending and settling can take."""
SETTLE_TRIES = 5


class Sender:
    """Sends until cancelled; several may run, on one database."""

    def __init__(self, resources: Resources, ports: Mapping[ChannelKind, Port], clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._ports = ports
        self._clock = clock
        self._look_again = asyncio.Event()
        self._under_way: dict[ChannelKind, dict[asyncio.Task[None], OwnerId]] = {kind: {} for kind in ports}

    async def run(self) -> None:
        """Look for what is due, again at once while there is more."""
        try:
            while True:
                try:
                    began = await self.send_due()
                except Unavailable as down:
                    log.warning("nothing is sent", error=str(down))
                    began = 0
                if began == 0:
                    await self._rest()
        finally:
            await self.finish()

    async def _rest(self) -> None:
        """Wait a little, or until a message is done: its channel may have more."""
        self._look_again.clear()
        resting = asyncio.create_task(self._look_again.wait())
        try:
            await asyncio.wait({resting}, timeout=POLL_SECONDS)
        finally:
            resting.cancel()

    async def send_due(self) -> int:
        """Begin to send what is due and has a free slot; return how many messages were begun."""
        async with self._resources.database.system() as session:
            kinds = [kind for kind in await system.list_due_kinds(session, self._clock()) if kind in self._ports]
        began = 0
        for kind in kinds:
            free, owners = SLOTS - len(self._under_way[kind]), Counter(self._under_way[kind].values())
            room = system.Room(free, OWNER_SLOTS, {owner for owner, slots in owners.items() if slots >= OWNER_SLOTS})
            if free > 0:
                async with self._resources.database.system() as session:
                    claimed = await system.claim_channels(session, kind, room, LEASE, self._clock())
                for channel in claimed:
                    self._begin(channel)
                began += len(claimed)
        return began

    async def finish(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*(task for tasks in self._under_way.values() for task in tasks))

    def _begin(self, channel: Channel) -> None:
        tasks = self._under_way[channel.kind]
        task = asyncio.create_task(self._serve(channel), name=f"{channel.kind} message")
        tasks[task] = channel.owner
        task.add_done_callback(tasks.pop)
        task.add_done_callback(lambda _: self._look_again.set())

    async def _serve(self, channel: Channel) -> None:
        try:
            async with self._resources.database.owned(channel.owner) as session:
                due = await deliveries.list_due(session, channel.owner, channel.id, self._clock())
                chosen = await preferences.find(session, channel.owner)
            if due:
                message = _message(due, chosen.language)
                await self._settle(channel, due, await self._send(channel, message))
        except Unavailable as down:
            log.warning("a channel waits for its lease to end", channel=str(channel.id), error=str(down))
        except Exception:  # noqa: BLE001 - the others go on; this channel comes again when its lease ends
            log.exception("a mistake of ours while sending", channel=str(channel.id))

    async def _send(self, channel: Channel, message: Message) -> Outcome:
        sealer = self._resources.sealer
        try:
            secrets = sealer.open(channel.sealed, channel.owner, channel.id)
            async with asyncio.timeout(SEND_SECONDS_MAX):
                sent = await self._ports[channel.kind].send(message, secrets)
        except Exception as failed:  # noqa: BLE001 - whatever it is, this message must not be tried for ever
            return _outcome_of(failed)
        if sent.secrets is None:
            return Outcome("sent")
        return Outcome("sent", sealed=sealer.seal({**secrets, **sent.secrets}, channel.owner, channel.id))

    async def _settle(self, channel: Channel, tried: Sequence[Delivery], outcome: Outcome) -> None:
        """Save the outcome, through a short outage of the database: what was sent should not be sent again."""
        level = log.info if outcome.result == "sent" else log.warning
        level("a message was tried", kind=channel.kind, channel=str(channel.id), result=outcome.result)
        for tries_left in reversed(range(SETTLE_TRIES)):
            try:
                async with self._resources.database.owned(channel.owner) as session:
                    publish = self._resources.hints.owner_was_told
                    await settle_deliveries(session, channel, tried, outcome, self._clock(), publish)
            except Unavailable:
                if tries_left == 0:
                    raise
                await asyncio.sleep(POLL_SECONDS)
            else:
                return


def _outcome_of(failed: Exception) -> Outcome:
    """Say how a try ended; of an error nobody expected only the name, for its text may hold a secret."""
    match failed:
        case DoesNotOpen():
            return Outcome("gone", "its address was sealed with another key: connect it again")
        case TimeoutError():
            return Outcome("not_now", f"not done within {SEND_SECONDS_MAX} seconds")
        case NotNow():
            return Outcome("not_now", str(failed), failed.after)
        case Refused():
            return Outcome("refused", str(failed))
        case Gone():
            return Outcome("gone", str(failed))
    log.error("a mistake of ours while sending", error=type(failed).__name__)
    return Outcome("refused", "a mistake of ours: tell the operator")


def _message(due: Sequence[Delivery], language: Language) -> Message:
    """Write one delivery as it is, and several as a digest."""
    first = due[0]
    if len(due) == 1:
        return Message(first.id, first.kind, first.title, first.body, first.data, first.created_at)
    title, body = digest_of(due, language)
    return Message(first.id, "digest", title, body, {"deliveries": [str(each.id) for each in due]}, due[-1].created_at)
