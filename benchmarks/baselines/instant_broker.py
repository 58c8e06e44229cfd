"""A broker that answers at once, in KIS's words, and says when each request came: `python -m … PORT`.

Its clock is the machine's monotonic one, so the process that asks can subtract.
"""

import asyncio
import sys
import time
from itertools import count

TOKEN = b'{"access_token":"t","token_type":"Bearer","expires_in":86400}'
_numbers = count(1)


def _answer(path: bytes) -> bytes:
    if path.endswith(b"tokenP"):
        return TOKEN
    output = b'{"KRX_FWDG_ORD_ORGNO":"00950","ODNO":"%010d","ORD_TMD":"100000"}' % next(_numbers)
    return b'{"rt_cd":"0","msg_cd":"APBK0013","msg1":"","output":%s}' % output


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests until it ends."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            came = time.perf_counter()
            lines = head.lower().split(b"\r\n")
            length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
            await reader.readexactly(length)
            body = _answer(head.split(b" ", 2)[1])
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-came: %.9f\r\ncontent-length: %d\r\n\r\n%s"
                % (came, len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    """Listen on loopback for ever."""
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
