# SPDX-License-Identifier: GPL-3.0-or-later
"""The limiter's ceiling on recorded music, as far as it can be driven."""
import pytest

import sounds

CEILING = -1.0
LOOPS = ["loop_amen_full", "loop_mika", "loop_garzul", "loop_tabla", "loop_industrial", "bass_voxy_c"]


@pytest.mark.parametrize("loop", LOOPS)
def test_ceiling_holds_on_music(foldback, patch, audio, tmp_path, loop):
    """No more than 0.1 dB above by the standard's meter, the least that meters of its own class differ by; and the limiter is
    at work, not asleep: with 24 dB of drive it comes within 0.3 dB of the ceiling."""
    music = sounds.music(audio / f"{loop}.wav", loop, seconds=6)
    file = patch([{"id": "lim", "type": "limiter", "parameters": {"ceiling": CEILING}}])
    peaks = {}
    for drive in (0, 12, 24):
        foldback("render", file, music, tmp_path / "out.wav", "--set", f"lim.drive={drive}")
        peaks[drive] = foldback.json("analyze", tmp_path / "out.wav")["metrics"]["true_peak"]
    assert max(peaks.values()) <= CEILING + 0.1, peaks
    assert peaks[24] >= CEILING - 0.3, peaks
