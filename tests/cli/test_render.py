# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback render: files through a patch, the same bytes every time."""
import math
import os
import signal
import subprocess
import time

import pytest

import sounds
import wavs
from servers import BUILD, wait_for

CHAIN = [{"id": "gain", "type": "gain", "parameters": {"gain": 6}}, {"type": "eq", "parameters": {"b4_gain": 5}},
         {"type": "comp", "parameters": {"threshold": -30, "ratio": 4, "makeup": 9}}, {"type": "limiter", "parameters": {"ceiling": -3}}]
GAIN = [{"id": "gain", "type": "gain"}]


def sine(frames, rate=48000, freq=440, peak=0.5):
    return [peak * math.sin(2 * math.pi * freq * i / rate) for i in range(frames)]


def test_the_period_does_not_matter(foldback, patch, speech, tmp_path):
    """The determinism contract, on real speech: byte for byte, header and all."""
    file, wanted = patch(CHAIN), None
    for period in (32, 64, 100, 128, 1024):
        out = tmp_path / f"{period}.wav"
        foldback("render", file, speech, out, "--period", period, "--threads", period % 3 + 1)
        wanted = wanted or out.read_bytes()
        assert out.read_bytes() == wanted, period
    assert wavs.Wav(out).frames == wavs.Wav(speech).frames > 48000


@pytest.mark.parametrize("bits", ["16", "24", "32f"])
def test_again_is_the_same(foldback, patch, speech, tmp_path, bits):
    file = patch(CHAIN)
    foldback("render", file, speech, tmp_path / "a.wav", "--bits", bits)
    time.sleep(1.1)  # a header with the time of day would differ by now
    foldback("render", file, speech, tmp_path / "b.wav", "--bits", bits)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_nothing_in_the_way_changes_nothing(foldback, patch, music, tmp_path):
    out = tmp_path / "out.wav"
    said = foldback("render", patch(GAIN), music, out)
    before, after = wavs.Wav(music), wavs.Wav(out)
    assert after.channels == before.channels and (after.tag, after.bits, after.rate) == (3, 32, 48000)
    assert said == f"{out}: 10.000 s at 48000 Hz; latency 0 frames, taken out\n"


@pytest.mark.parametrize("rate", [8000, 44100, 96000, 192000])
def test_rates_and_one_channel(foldback, patch, tmp_path, rate):
    """The output is at the input's rate; one channel is heard as both."""
    given = wavs.write(tmp_path / "in.wav", [sine(rate // 10 + 7, rate)], rate)
    foldback("render", patch(GAIN), given, tmp_path / "out.wav")
    out = wavs.Wav(tmp_path / "out.wav")
    assert (out.rate, out.n, out.frames) == (rate, 2, rate // 10 + 7)
    assert out.channels[0] == out.channels[1] == wavs.Wav(given).channels[0]


def test_other_formats(foldback, patch, tmp_path, speech):
    for name in ("in.flac", "in.ogg", "in.aiff"):
        sounds.ffmpeg("-i", speech, "-t", 1, *(["-c:a", "libvorbis"] if name.endswith("ogg") else []), tmp_path / name)
        foldback("render", patch(GAIN), tmp_path / name, tmp_path / "out.wav")
        assert abs(wavs.Wav(tmp_path / "out.wav").frames - 48000) <= 0


def test_latency_is_taken_out_unless_wanted(foldback, patch, tmp_path):
    """The limiter delays; a click that it leaves alone shows by how much."""
    click = [0.0] * 4800
    click[1000] = 0.25
    given, file = wavs.write(tmp_path / "in.wav", [click, click]), patch([{"type": "limiter"}])
    straight = foldback.json("render", file, given, tmp_path / "straight.wav")
    late = foldback.json("render", file, given, tmp_path / "late.wav", "--late")
    assert straight["latency_frames"] == late["latency_frames"] > 0 and (straight["late"], late["late"]) == (False, True)
    for name, at in (("straight.wav", 1000), ("late.wav", 1000 + late["latency_frames"])):
        out = wavs.Wav(tmp_path / name).channels[0]
        assert len(out) == 4800 and max(range(4800), key=lambda i: abs(out[i])) == at


def test_set(foldback, patch, tmp_path):
    given = wavs.write(tmp_path / "in.wav", [sine(4800)])
    file, out = patch([{"id": "gain", "type": "gain"}, {"id": "comp", "type": "comp"}, {"id": "eq", "type": "eq"}]), tmp_path / "out.wav"
    level = {}
    for name, sets in {"as it is": [], "number": ["gain.gain=-6"], "unit": ["gain.gain=-6dB"], "space": ["gain.gain=-6 dB"],
                       "twice": ["gain.gain=-20", "gain.gain=-6"], "bypass": ["gain.gain=-6", "gain.bypass=true"]}.items():
        options = [option for value in [*sets, "comp.bypass=true"] for option in ("--set", value)]
        foldback("render", file, given, out, *options)
        level[name] = max(wavs.Wav(out).channels[0][2400:])
    half = 10 ** (-6 / 20)
    for name in ("number", "unit", "space", "twice"):
        assert level[name] == pytest.approx(half * level["as it is"], rel=1e-4), name
    assert level["bypass"] == level["as it is"]
    foldback("render", file, given, out, "--set", "comp.detector=rms", "--set", "comp.auto_makeup=true", "--set", "comp.attack=0.02s",
             "--set=eq.b1_slope=12dB", "--set=eq.b4_freq=1.5kHz")


@pytest.mark.parametrize("setting, said", [
    ("gain.gain", "needs the form NODE.PARAM=VALUE"), ("gain=3", "needs the form NODE.PARAM"),
    ("nope.gain=1", "nope.gain: the patch has no such node"), ("gain.nope=1", "gain.nope: gain has no such parameter"),
    ("gain.gain=loud", "gain.gain: needs a number"), ("gain.gain=999", "gain.gain: 999 is out of range"),
    ("gain.gain=3Hz", 'gain.gain: its unit is "dB"'), ("gain.gain=nan", "gain.gain: needs a number"),
    ("gain.mono=1", "gain.mono: needs true or false"), ("gain.bypass=yes", "gain.bypass: needs true or false"),
    ("comp.detector=fast", 'comp.detector: has no choice "fast"'), ("gain.gain=", "gain.gain: needs a number"),
])
def test_bad_settings(foldback, patch, tmp_path, setting, said):
    file, given = patch([*GAIN, {"type": "comp"}]), wavs.write(tmp_path / "in.wav", [sine(480)])
    assert said in foldback.fails("render", file, given, tmp_path / "out.wav", "--set", setting)
    assert not (tmp_path / "out.wav").exists()


def test_bits(foldback, patch, tmp_path):
    """24 bit rounds: an error of at most half a step, power 1/12. 16 bit is dithered: at most 1.5 steps, power 1/4 and mean
    0 whatever the signal, so that a tone of less than a step is heard."""
    given = wavs.write(tmp_path / "in.wav", [sine(48000, peak=0.25, freq=441.7)])
    quiet = wavs.write(tmp_path / "quiet.wav", [sine(48000, peak=0.4 / 32768, freq=1000)])
    exact = wavs.Wav(given).channels[0]
    for bits, worst, power in (("16", 1.5, 1 / 4), ("24", 0.5, 1 / 12)):
        foldback("render", patch(GAIN), given, tmp_path / "out.wav", "--bits", bits)
        out = wavs.Wav(tmp_path / "out.wav")
        assert (out.tag, out.bits) == (1, int(bits))
        error = [(a - b) * 2 ** (int(bits) - 1) for a, b in zip(out.channels[0], exact)]
        assert max(map(abs, error)) <= worst
        assert sum(e * e for e in error) / len(error) == pytest.approx(power, rel=0.05)  # 48000 errors: 1 % and less
    foldback("render", patch(GAIN), quiet, tmp_path / "out.wav", "--bits", "16")
    out = wavs.Wav(tmp_path / "out.wav").channels[0]
    heard = 2 / 48000 * sum(a * b for a, b in zip(out, sine(48000, peak=1, freq=1000))) * 32768
    assert heard == pytest.approx(0.4, abs=5 * math.sqrt(2 / 48000) * 0.5)  # 5 deviations of the noise in it


def test_clipping_is_told(foldback, patch, tmp_path):
    given = wavs.write(tmp_path / "in.wav", [sine(4800, peak=2.0)])
    done = foldback.run("render", patch(GAIN), given, tmp_path / "out.wav", "--bits", "24")
    assert done.returncode == 0 and "samples were clipped" in done.stderr
    assert max(wavs.Wav(tmp_path / "out.wav").channels[0]) == (2 ** 23 - 1) / 2 ** 23
    assert max(wavs.Wav(given).channels[0]) == pytest.approx(2.0)
    foldback("render", patch(GAIN), given, tmp_path / "out.wav")
    assert max(wavs.Wav(tmp_path / "out.wav").channels[0]) == pytest.approx(2.0)


def test_nothing(foldback, patch, tmp_path):
    """An empty file is a file; one frame is enough to be rendered."""
    for frames in (0, 1, 33):
        given = wavs.write(tmp_path / "in.wav", [[0.5] * frames])
        foldback("render", patch([{"type": "limiter"}]), given, tmp_path / "out.wav")
        assert wavs.Wav(tmp_path / "out.wav").frames == frames


def test_bad_samples_in_are_silenced(foldback, patch, tmp_path):
    given = wavs.write(tmp_path / "in.wav", [[0.5, math.nan, math.inf, -math.inf] * 100])
    foldback("render", patch(CHAIN), given, tmp_path / "out.wav")
    assert all(map(math.isfinite, wavs.Wav(tmp_path / "out.wav").channels[0]))


# --- files that cannot be


def test_bad_input(foldback, patch, tmp_path):
    file, out = patch(GAIN), tmp_path / "out.wav"
    (tmp_path / "text.wav").write_text("this is no audio")
    three = wavs.write(tmp_path / "three.wav", [sine(100)] * 3)
    slow = wavs.write(tmp_path / "slow.wav", [sine(100)], rate=4000)
    for given, said in [(tmp_path / "none.wav", "none.wav: No such file or directory"), (tmp_path, "no audio that can be read"),
                        (tmp_path / "text.wav", "text.wav: no audio that can be read"),
                        (three, "three.wav: has 3 channels; 1 or 2 can be taken"),
                        (slow, "slow.wav: has a sample rate of 4000 Hz; 8000 to 192000 can be taken")]:
        assert said in foldback.fails("render", file, given, out)
        assert not out.exists()


def test_a_damaged_file(foldback, patch, tmp_path, speech):
    sounds.ffmpeg("-i", speech, tmp_path / "whole.flac")
    data = (tmp_path / "whole.flac").read_bytes()
    (tmp_path / "half.flac").write_bytes(data[:len(data) // 2])
    assert "half.flac: is damaged" in foldback.fails("render", patch(GAIN), tmp_path / "half.flac", tmp_path / "out.wav")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["half.flac", "patch.json", "whole.flac"]


def test_bad_output(foldback, patch, tmp_path):
    file, given = patch(GAIN), wavs.write(tmp_path / "in.wav", [sine(480)])
    for out, said in [(tmp_path / "none" / "out.wav", "cannot be made: No such file or directory"), (tmp_path, "is no regular file"),
                      ("/dev/null", "/dev/null: is no regular file")]:
        assert said in foldback.fails("render", file, given, out)
    assert os.path.exists("/dev/null") and not os.path.isfile("/dev/null")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a small file system")
def test_a_full_disk(foldback, patch, speech, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)], capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        (small / "out.wav").write_text("what was there before")
        said = foldback.fails("render", patch(GAIN), speech, small / "out.wav")
        assert "out.wav: cannot be written" in said
        assert [file.name for file in small.iterdir()] == ["out.wav"]
        assert (small / "out.wav").read_text() == "what was there before"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_in_place_and_through_a_link(foldback, patch, tmp_path):
    """The input may be the output; a link stays a link; the mode is as the umask wants it."""
    given = wavs.write(tmp_path / "in.wav", [sine(4800)] * 2)
    (tmp_path / "link.wav").symlink_to(given)
    given.chmod(0o600)
    foldback("render", patch(GAIN), given, tmp_path / "link.wav", "--set", "gain.gain=-6", umask=0o027)
    assert (tmp_path / "link.wav").is_symlink() and given.stat().st_mode & 0o777 == 0o640
    assert max(wavs.Wav(given).channels[0]) == pytest.approx(0.5 * 10 ** (-6 / 20), rel=1e-3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_render_leaves_no_half_file(patch, tmp_path, number):
    long = tmp_path / "long.wav"
    wavs.write(tmp_path / "second.wav", [sine(48000)])
    sounds.ffmpeg("-stream_loop", 1800, "-i", tmp_path / "second.wav", "-c:a", "pcm_s16le", long)
    out = tmp_path / "out.wav"
    process = subprocess.Popen([str(BUILD / "foldback"), "render", str(patch(CHAIN)), str(long), str(out)])
    wait_for(lambda: list(tmp_path.glob("out.wav.*")), what="the file under way")  # of half an hour: time enough to interrupt it
    process.send_signal(number)
    assert process.wait(10) == -number
    assert not out.exists() and (number == signal.SIGKILL or not list(tmp_path.glob("out.wav*")))
