# SPDX-License-Identifier: GPL-3.0-or-later
"""WAV files in and out of lists of channels, without any audio library: 16 and 24 bit, and float."""
import array
import struct


def write(file, channels, rate=48000, bits="32f"):
    """channels: a list of equally long sequences of floats."""
    frames = len(channels[0])
    mixed = [0.0] * (frames * len(channels))
    for c, samples in enumerate(channels):
        mixed[c::len(channels)] = samples
    if bits == "32f":
        data, size, tag = array.array("f", mixed).tobytes(), 4, 3
    else:
        data, size, tag = array.array("h", [max(-32768, min(32767, round(x * 32768))) for x in mixed]).tobytes(), 2, 1
    n = len(channels)
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, tag, n, rate,
                       rate * n * size, n * size, 8 * size, b"data", len(data))
    file.write_bytes(head + data)
    return file


class Wav:
    """rate, bits, tag (1 whole numbers, 3 float), channels: lists of floats."""

    def __init__(self, file):
        data = file.read_bytes()
        assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
        at, self.chunks = 12, {}
        while at + 8 <= len(data):
            name, size = struct.unpack_from("<4sI", data, at)
            self.chunks[name] = data[at + 8:at + 8 + size]
            at += 8 + size + size % 2
        form = self.chunks[b"fmt "]
        self.tag, self.n, self.rate, _, _, self.bits = struct.unpack_from("<HHIIHH", form)
        if self.tag == 0xFFFE:
            self.tag = struct.unpack_from("<H", form, 24)[0]
        raw = self.chunks[b"data"]
        if self.tag == 3:
            mixed = array.array("f", raw)
        elif self.bits == 16:
            mixed = [x / 32768 for x in array.array("h", raw)]
        else:
            mixed = [int.from_bytes(raw[i:i + 3], "little", signed=True) / 8388608 for i in range(0, len(raw), 3)]
        self.channels = [list(mixed[c::self.n]) for c in range(self.n)]
        self.frames = len(self.channels[0]) if self.n else 0
