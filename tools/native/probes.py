"""Asking a process over HTTP whether it is ready."""

import http.client
import ssl

ANSWER_SECONDS_MAX = 5
ANSWER_BYTES_SHOWN = 300


def why_not_ready(port: int, path: str, *, tls: bool = False) -> str | None:
    """None when 127.0.0.1 answers 200 on this port and path, otherwise what it did instead."""
    connection: http.client.HTTPConnection
    if tls:
        # Our own certificate, on loopback: whom we speak to is not the question here.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(ANSWER_BYTES_SHOWN).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"GET {path} on port {port}: {error or type(error).__name__}"
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else f"GET {path} on port {port}: {answer.status} {body}"
