# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback patch check, patch show."""
import json

import pytest


def test_good_patches(foldback, patch):
    one = patch([{"type": "gain"}], "one.json")
    two = patch([{"type": "comp"}, {"type": "limiter", "parameters": {"lookahead": {"value": 2, "unit": "ms"}}}], "two.json",
                goal={"target_lufs": -20, "weights": {"snr": 1}})
    lines = foldback("patch", "check", one, two).splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(one), str(two)] and all(": ok (" in line for line in lines)
    rows = foldback.json("patch", "check", one, two)
    assert [(row["ok"], row["stages"]) for row in rows] == [(True, 1), (True, 2)]
    assert rows[0]["latency_frames"] == 0 and rows[1]["latency_frames"] >= 96  # 2 ms at 48 kHz, and what the meter needs


@pytest.mark.parametrize("text, said", [
    ('{"stages": [', "line 1, column"),
    ('{"stages": [{"type": "nope"}]}', 'stages[0]: there is no node type "nope"'),
    ('{"stages": [{"type": "gain", "parameters": {"gain": 99}}]}', "stages[0].parameters.gain: 99 is out of range"),
    ('{"stages": [{"type": "gain", "parameters": {"gain": {"value": 1, "unit": "Hz"}}}]}', 'its unit is "dB"'),
    ('{"stages": [{"type": "gain", "id": "mute"}]}', "mute"),
    ('{"stages": [{"type": "gain"}], "nope": 1}', 'unknown key "nope"'),
    ('{"stages": [{"id": "a", "type": "gain"}, {"id": "b", "type": "gain"}], "connections": '
     '[{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]}', "a > b > a"),
    ('{"stages": [], "goal": {"weights": {"nope": 1}}}', "goal/weights/nope: there is no metric of this name"),
    ('{"stages": [], "goal": {"weights": {"snr": "much"}}}', "goal/weights/snr: must be a number"),
    ('{"stages": [], "goal": {"target_lufs": 7}}', "goal/target_lufs: is 7, must be from -70 to 0"),
])
def test_bad_patches(foldback, tmp_path, patch, text, said):
    bad, good = tmp_path / "bad.json", patch([{"type": "gain"}], "good.json")
    bad.write_text(text)
    done = foldback.run("patch", "check", bad, good)
    assert done.returncode == 1
    assert "bad.json" in done.stderr and said in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout.startswith(f"{good}: ok")  # one bad file does not hide the others
    done = foldback.run("patch", "check", bad, good, "--json")
    rows = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "") and [row["ok"] for row in rows] == [False, True]
    assert said in rows[0]["where"] + ": " + rows[0]["message"]
    for command in (["patch", "show", bad], ["render", bad, "in.wav", tmp_path / "out.wav"]):
        if '"goal"' not in text or command[0] == "patch":  # a render needs no goal
            assert "bad.json" in foldback.fails(*command)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.json", "good.json"]


def test_no_such_file(foldback, tmp_path):
    assert f"{tmp_path}/none.json: No such file or directory" in foldback.fails("patch", "check", tmp_path / "none.json")


def test_show(foldback, patch):
    """Stages in the order in which they run, whatever their order in the file."""
    file = patch([{"id": "second", "type": "limiter", "parameters": {"ceiling": -3}}, {"id": "first", "type": "gain", "bypass": True}],
                 connections=[{"from": "in", "to": "first"}, {"from": "first", "to": "second"},
                              {"from": "second", "to": "out", "weight": 0.5}], goal={"target_lufs": -14, "weights": {"snr": 2}})
    text = foldback("patch", "show", file)
    assert text.index("first: Gain, bypassed") < text.index("second: Limiter")
    assert "ceiling          -3 dB  *\n" in text and "drive            0 dB\n" in text
    assert "goal: -14 LUFS; snr 2" in text and "second > out x 0.5" in text
    shown = foldback.json("patch", "show", file)
    assert [stage["id"] for stage in shown["order"]] == ["first", "second"]
    assert shown["latency_frames"] == sum(stage["latency_frames"] for stage in shown["order"]) >= 96
    assert f"latency: {shown['latency_frames']} frames" in text
    assert shown["patch"]["stages"][0]["parameters"]["ceiling"] == -3.0
    again = patch([], "again.json")
    again.write_text(json.dumps(shown["patch"]))  # what it prints is a patch
    assert foldback("patch", "show", again) == text
