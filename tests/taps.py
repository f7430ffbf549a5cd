# SPDX-License-Identifier: GPL-3.0-or-later
"""What a station really gives out, sample by sample: its audio tap, recorded while a test does something."""
import array
import asyncio
import json
import struct
import threading

import websockets

from servers import SLOW, BUILD, Foldbackd, wait_for

NODES = f"{BUILD}/tests/nodes:{BUILD}/nodes"  # the tests' own nodes beside foldback's
CLICK = 1e-4  # -80 dBFS: how much more than its own curve a sine may bend where something changes


class Gap(Exception):
    """Frames are missing: the machine was too busy for the tap, and the take says nothing."""


class Take:
    """A stretch of a tap: `left` and `right`, from frame `first` of the engine on."""

    def __init__(self, server, station=1, point="out"):
        self.url = f"ws://127.0.0.1:{server.http_port}/api/stations/{station}/audio-tap?point={point}"
        self.first, self.samples, self.error = None, array.array("f"), None
        self.ending = False
        self.thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)

    async def _listen(self):
        try:
            async with websockets.connect(self.url, max_size=None, max_queue=None) as tap:
                json.loads(await asyncio.wait_for(tap.recv(), 10 * SLOW))
                while not self.ending:
                    packet = await asyncio.wait_for(tap.recv(), 10 * SLOW)
                    (frame,) = struct.unpack_from("<Q", packet)
                    if self.first is None:
                        self.first = frame
                    if frame != self.first + self.frames:
                        raise Gap(f"frame {self.first + self.frames} is followed by {frame}")
                    self.samples.frombytes(packet[8:])
        except Exception as error:  # told to the test by __exit__
            self.error = error

    @property
    def frames(self):
        return len(self.samples) // 2

    @property
    def left(self):
        return self.samples[0::2]

    @property
    def right(self):
        return self.samples[1::2]

    def run(self, seconds):
        """Listen on for so long, in frames of the audio."""
        until = self.frames + int(seconds * 48000)
        wait_for(lambda: self.error or self.frames >= until, 10 + 5 * seconds, f"{seconds} s of audio")
        if self.error:
            raise self.error

    def __enter__(self):
        self.thread.start()
        self.run(0.1)
        return self

    def __exit__(self, failed, *_):
        self.ending = True
        self.thread.join(10 * SLOW)
        if not failed and self.error:
            raise self.error


def bend(samples, first=0, last=None):
    """The largest second difference: a jump of J shows as J, a corner where the slope changes by S a frame as S."""
    part = samples[first:last]
    return max(abs(a - 2 * b + c) for a, b, c in zip(part, part[1:], part[2:]))


def whole(action, tries=3):
    """Repeat what a busy machine spoils."""
    for left in reversed(range(tries)):
        try:
            return action()
        except Gap:
            if not left:
                raise


def playing(folder, *options, jack=None):
    """foldbackd with the tests' nodes."""
    return Foldbackd(folder, "--node-path", NODES, *options, jack=jack)
