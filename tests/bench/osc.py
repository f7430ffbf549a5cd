# SPDX-License-Identifier: GPL-3.0-or-later
"""OSC packets as bytes, for the bench programs and for scsynth's scores."""
import struct


def text(value):
    data = value.encode() + b"\0"
    return data + b"\0" * (-len(data) % 4)


def message(address, *values):
    """ints, floats, strings and blobs."""
    tags, body = ",", b""
    for value in values:
        if isinstance(value, int):
            tags, body = tags + "i", body + struct.pack(">i", value)
        elif isinstance(value, float):
            tags, body = tags + "f", body + struct.pack(">f", value)
        elif isinstance(value, str):
            tags, body = tags + "s", body + text(value)
        else:
            tags, body = tags + "b", body + sized(value + b"\0" * (-len(value) % 4), len(value))
    return text(address) + text(tags) + body


def sized(data, size=None):
    return struct.pack(">i", len(data) if size is None else size) + data


def bundle(messages, seconds=None):
    """At a time counted from 0 as in a score, or at once."""
    time = (0, 1) if seconds is None else (int(seconds), int(seconds % 1 * 2**32))
    return text("#bundle") + struct.pack(">II", *time) + b"".join(map(sized, messages))
