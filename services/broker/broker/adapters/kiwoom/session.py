"""Beginning a session of Kiwoom's stream; a key has one at a time."""

from kit.json import dumps_text, loads
from websockets.asyncio.client import ClientConnection

from broker.adapters.kiwoom.client import Client


async def log_in(client: Client, line: ClientConnection) -> None:
    """Say who we are, and wait for the answer.

    Raises:
        ValueError: when the token is not taken.
        NotSent: when there is none.
    """
    await line.send(dumps_text({"trnm": "LOGIN", "token": await client.current_token()}))
    answer = loads(await line.recv())
    if answer.get("return_code") != 0:
        raise ValueError("Kiwoom's stream does not take this token")
