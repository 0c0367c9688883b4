"""Reading Kafka's frames where they stand. Layouts: Apache Kafka protocol guide, "Protocol Primitive Types"."""

from __future__ import annotations

import struct

TEXT = ">h"
ARRAY = ">i"


def length(frame: bytes, at: int, form: str, *, flexible: bool) -> tuple[int, int]:
    """The length of a text or array that begins at `at` (-1: null), and where what follows the length begins.

    In flexible versions it is one more than it means, seven bits a byte, lowest first. Raises struct.error or
    IndexError where the frame breaks off.
    """
    if not flexible:
        return struct.unpack_from(form, frame, at)[0], at + struct.calcsize(form)
    number = shift = 0
    while True:
        byte = frame[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number - 1, at
        shift += 7


def after_text(frame: bytes, at: int, *, flexible: bool) -> int:
    """Where a text ends that begins at `at`."""
    size, at = length(frame, at, TEXT, flexible=flexible)
    return at + max(size, 0)
