"""The keys that seal what lies in the databases: one is added, everything moves to it, and nothing is lost on the way.

They lie in a secret file of each service that seals, the newest first, which it reads again when it changes. The oldest
stays: it makes what nobody can make anew (digests of recovery codes, prints of brokers' keys, the key of web push).
"""

import secrets
import stat
from collections.abc import Callable

from tools.native.accounts import write_private
from tools.native.credentials import SECRET_BYTES, open_passwords
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.rotating_keys import alone

SEALING = {
    "auth": ("auth:sealing_key", "auth_sealing_key"),
    "broker": ("broker:vault", "broker_vault_key"),
    "notification": ("notification:sealing_key", "notification_sealing_key"),
}
"""Service → the name of its keys among the passwords, and their file."""


def rotate(layout: Layout, service: str, reseal: Callable[[], int], note: Callable[[], object]) -> tuple[bool, int]:
    """Add a key and move everything to it. Killed anywhere, all can be read, and the same call again goes on.

    Args:
        layout: of a stack that runs.
        service: whose keys.
        reseal: moves what an older key has sealed to the newest that the file has; how much it moved.
        note: writes down that a key is added; when it cannot, none is.

    Returns:
        Whether a key was added, or else a rotation that had died was brought to its end; and how much was moved.

    Raises:
        StackError: when the stack has no such file yet.
    """
    name, file_name = SEALING[service]
    file = layout.secrets / service / file_name
    if not file.exists():
        raise StackError("this stack has no keys yet: start it first")
    with alone(layout):
        passwords = open_passwords(layout)
        keys = passwords.of(name).split()

        def lay_out(text: str) -> None:
            write_private(file, text, mode=stat.S_IMODE(file.stat().st_mode))

        lay_out("\n".join(keys))
        if (left := reseal()) > 0:
            return False, left
        note()
        # nothing needs those between the newest and the oldest any more
        text = "\n".join(dict.fromkeys((secrets.token_hex(SECRET_BYTES), keys[0], keys[-1])))
        passwords.keep(name, text)
        lay_out(text)
        return True, reseal()
