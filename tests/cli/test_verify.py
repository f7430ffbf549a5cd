# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback verify: a kept run measured again gives the same 55 numbers, and a change to what is kept shows."""
import json
import math
import sqlite3
import struct
import subprocess
import wave

import pytest

from servers import BUILD, Foldbackd

PATCH = {"name": "verify", "stages": [{"type": "eq", "parameters": {"b3_gain": 4}},
                                      {"type": "comp", "parameters": {"threshold": -30}}, {"type": "limiter"}]}


def write_wav(path, noise):
    """A swelling chord, and the same with a little noise: a clean original and its sample."""
    state = 1
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48000)
        for i in range(72001):  # no whole number of ticks
            swell = 0.2 + 0.15 * math.sin(i / 9000)
            value = swell * sum(math.sin(2 * math.pi * f * i / 48000) for f in (220, 331, 497)) / 3
            state = state * 1103515245 + 12345 & 0x7FFFFFFF
            value += noise * (state / 0x40000000 - 1)
            out.writeframesraw(struct.pack("<h", round(32767 * value)))
    return path.read_bytes()


def verify(server, run, *options):
    return subprocess.run([str(BUILD / "foldback"), "verify", run, *server.clients, *options],
                          capture_output=True, text=True)


@pytest.mark.parametrize("reference", [False, True])
def test_the_same_bits(tmp_path, reference):
    patch = tmp_path / "p.json"
    patch.write_text(json.dumps(PATCH))
    with Foldbackd(tmp_path, "--stations", 1, "--patch", patch) as server:
        server.http("PUT", "/api/samples/noisy.wav", write_wav(tmp_path / "noisy.wav", 0.01))
        server.http("PUT", "/api/samples/clean.wav", write_wav(tmp_path / "clean.wav", 0.0))
        source = {"sample": "noisy.wav", **({"reference": "clean.wav"} if reference else {})}
        report = server.post("/api/calibration/run", {"station": 1, "source": source, "include_audio": False})
        assert ("si_sdr" in report["invalid"]) is not reference
        assert report["metrics"]["gain_reduction"] > 0.5
        done = verify(server, report["run_id"])
        assert done.stdout == f"run {report['run_id']}: all 55 metrics are the same, bit for bit\n", done.stderr
        assert done.returncode == 0


def test_a_changed_snapshot_shows(tmp_path):
    with Foldbackd(tmp_path, "--stations", 1) as server:
        server.http("PUT", "/api/samples/noisy.wav", write_wav(tmp_path / "noisy.wav", 0.01))
        run = server.post("/api/calibration/run", {"station": 1, "source": {"sample": "noisy.wav"},
                                                   "include_audio": False})["run_id"]
    with sqlite3.connect(tmp_path / "foldback" / "foldback.db") as db:
        (pcm,) = db.execute("SELECT audio FROM snapshot WHERE name = ?", (run,)).fetchone()
        pcm = pcm[:40000] + struct.pack("<f", 0.9) + pcm[40004:]
        db.execute("UPDATE snapshot SET audio = ? WHERE name = ?", (pcm, run))
    with Foldbackd(tmp_path, "--stations", 1) as server:
        done = verify(server, run)
        assert done.returncode == 1 and "metrics differ" in done.stdout and "peak " in done.stdout
        answer = json.loads(verify(server, run, "--json").stdout)
        assert answer["same"] is False and "peak" in answer["differ"]
        done = verify(server, "2020-01-01-00-00-00-001-0001")
        assert done.returncode == 1 and "2020-01-01" in done.stderr
