# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback metrics: the catalogue, for people, for machines, and as a page of the manual."""
import re

from servers import TOP


def test_all_55_are_listed(foldback):
    metrics = foldback.json("metrics")
    ids = [metric["id"] for metric in metrics]
    assert len(ids) == len(set(ids)) == 55
    assert [line.split()[0] for line in foldback("metrics", "--brief").splitlines()] == ids
    assert re.findall(r"^(\w+): ", foldback("metrics"), re.M) == ids
    for metric in metrics:
        assert metric["scale"][0] < metric["scale"][1] and metric["doc"].endswith("."), metric
        assert ("target" in metric) == ("tolerance" in metric) == (metric["sense"] == "target"), metric


def test_what_analyze_measures_is_what_is_listed(foldback, speech):
    assert list(foldback.json("analyze", speech)["metrics"]) == [metric["id"] for metric in foldback.json("metrics")]


def test_one_metric(foldback):
    lufs = foldback.json("metrics", "lufs_integrated")
    assert (lufs["unit"], lufs["none"], lufs["scale"], lufs["target"], lufs["tolerance"]) == ("LUFS", -120, [-60, 0], -23, 1)
    text = foldback("metrics", "lufs_integrated")
    for word in ("LUFS", "-23 within 1", "-60 to 0", "BS.1770-4"):
        assert word in text
    assert "nope: there is no metric of this name" in foldback.fails("metrics", "nope")


def test_the_page_has_them_all(foldback, tmp_path):
    page = tmp_path / "metrics.md"
    foldback("metrics", "--markdown", page)
    metrics, parts = page.read_text().split("\n## Voidline\n")
    rows = {line.split("`")[1]: line for line in metrics.splitlines() if line.startswith("| `")}
    ids = [metric["id"] for metric in foldback.json("metrics")]
    assert list(rows) == ids
    for name in ids:
        assert len(re.findall(r"(?<!\\)\|", rows[name])) == 7, rows[name]
    shares = [int(share) for share in re.findall(r"^\| `\w+` \| (\d+) % \|", parts, re.M)]
    assert len(shares) == 6 and sum(shares) == 100
    assert "/proc/metrics.md" in foldback.fails("metrics", "--markdown", "/proc/metrics.md")


def test_the_manual_is_up_to_date(foldback, tmp_path):
    """doc/metrics.md is made from the catalogue, never by hand: build/foldback metrics --markdown doc/metrics.md"""
    foldback("metrics", "--markdown", tmp_path / "metrics.md")
    made, kept = (tmp_path / "metrics.md").read_text(), (TOP / "doc" / "metrics.md").read_text()
    assert made == kept, "run build/foldback metrics --markdown doc/metrics.md"
