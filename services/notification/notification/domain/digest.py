"""Digests: several notices in one message."""

from collections.abc import Sequence

from notification.domain.delivery import Delivery
from notification.domain.notice import Language

BODY_MAX = 3_500


def digest_of(several: Sequence[Delivery], language: Language) -> tuple[str, str]:
    """Write title and body: a line for each, the oldest first, and how many did not fit."""
    lines, length, left = list[str](), 0, len(several)
    for each in several:
        line = f"• {each.title}" + (f" ({each.body})" if each.body else "")
        length += len(line) + 1
        if length > BODY_MAX:
            break
        lines.append(line)
        left -= 1
    if left:
        lines.append(f"외 {left}건" if language == "ko" else f"and {left} more in the inbox")
    title = f"알림 {len(several)}건" if language == "ko" else f"{len(several)} notices"
    return title, "\n".join(lines)
