# SPDX-License-Identifier: GPL-3.0-or-later
"""A gig of ten minutes (`--minutes`): nothing is lost, the memory stays, and the sound is never late of foldback's doing."""
import pytest

import sounds
from gig import SETS_PER_S, TAPS, Gig


@pytest.mark.long
@pytest.mark.plain
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("threads, share", [(1, 1.0), (2, 0.2)])
def test_a_gig(tmp_path, request, capsys, threads, share):
    """Alone, and a shorter one with a second audio thread."""
    seconds = 60 * request.config.getoption("--minutes") * share
    result = Gig(tmp_path, seconds, sounds.music(tmp_path / "music.wav"), threads=threads).play()
    with capsys.disabled():
        print("\n" + ", ".join(f"{key} {value:.4g}" for key, value in result.items()))
    assert result["sets"] >= 0.95 * SETS_PER_S * seconds and result["recalls"] >= seconds / 4
    assert result["auditions"] >= seconds / 4 and result["tap_frames"] >= 0.95 * TAPS * 48000 * seconds
    lost = {key: result[key] for key in ("events/lost", "events/orphan", "taps_lost", "tap_gaps", "audit/lost",
                                         "captures_lost", "kernel_lost", "unset")}
    assert not any(lost.values()), lost
    # read between auditions, of which one takes 0.4 MB while it goes on. What a scene needs of SQLite's cache and of malloc's
    # is there after some of them (0.1 MB); 0.02 MB a minute would be a leak of 0.3 kB a second
    assert result["heap_growth_mb"] < 0.2 + 0.02 * result["watched_s"] / 60
    # Where the machine lets an empty client be, foldback is never late. Where it stalls (a virtual machine's processors are
    # taken away by their host), it stalls each server at other moments, and who computes for a sixth of each period feels
    # stalls that who computes nothing does not. Then foldback has no more xruns than a client that burns the same time; two
    # counts of rare events differ by chance, which is what three standard deviations allow. Without real-time priority the
    # machine's other work has the say.
    if result["realtime"]:
        chance = 3 * (2 * max(result["busy_xruns"], 1)) ** 0.5
        assert result["xruns"] <= (result["busy_xruns"] + chance if result["idle_xruns"] else 0)
