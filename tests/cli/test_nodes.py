# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback nodes: the types' own metadata, for people, for machines, and as pages of the manual."""
import re

from servers import BUILD, TOP


def test_every_node_is_listed(foldback):
    files = sorted(file.stem for file in (BUILD / "nodes").glob("*.so"))
    nodes = foldback.json("nodes")
    assert [node["id"] for node in nodes] == files
    assert [line.split()[0] for line in foldback("nodes", "--brief").splitlines()] == files
    assert re.findall(r"^(\w+): ", foldback("nodes"), re.M) == files


def test_one_node(foldback):
    comp = foldback.json("nodes", "comp")
    by_symbol = {param["symbol"]: param for param in comp["parameters"]}
    threshold, detector = by_symbol["threshold"], by_symbol["detector"]
    assert (threshold["unit"], threshold["kind"], threshold["scale"]) == ("dB", "float", "linear")
    assert threshold["min"] < threshold["default"] < threshold["max"]
    assert detector["choices"] == ["peak", "rms"] and detector["default"] in detector["choices"]
    assert by_symbol["ratio"]["scale"] == "log" and by_symbol["auto_makeup"]["default"] is False
    assert [port["symbol"] for port in comp["inputs"]] == ["in", "sidechain"]
    assert [meter["reduction"] for meter in comp["meters"]] == [True]
    text = foldback("nodes", "comp")
    for word in ("threshold", "peak, rms", "sidechain", "meter/reduction", "dB"):
        assert word in text
    assert threshold["doc"].split()[0] in text


def test_numbers_are_as_people_wrote_them(foldback):
    """0.707 and not 0.70700001716614: metadata are floats."""
    for node in foldback.json("nodes"):
        for param in node["parameters"]:
            for key in ("min", "max", "default"):
                if isinstance(param.get(key), float):
                    assert len(repr(param[key])) <= 11, (node["id"], param["symbol"], param[key])


def test_errors(foldback, tmp_path):
    assert "nope: there is no node type of this name" in foldback.fails("nodes", "nope")
    assert str(tmp_path / "none") in foldback.fails("nodes", "--node-path", tmp_path / "none")
    assert foldback.fails("nodes", "--node-path", tmp_path)  # a folder without nodes
    (tmp_path / "broken.so").write_text("no shared object")
    done = foldback.run("nodes", "--brief", "--node-path", f"{tmp_path}:{BUILD / 'nodes'}")
    assert done.returncode == 0 and "gain" in done.stdout and "broken.so" in done.stderr


def test_markdown(foldback, tmp_path):
    folder = tmp_path / "pages"
    foldback("nodes", "--markdown", folder)
    nodes = foldback.json("nodes")
    assert sorted(file.name for file in folder.iterdir()) == sorted(["README.md", *(f"{node['id']}.md" for node in nodes)])
    for node in nodes:
        page = (folder / f"{node['id']}.md").read_text()
        parameters = page.split("## Parameters")[-1]
        assert f"`{node['id']}`: {node['label']}" in page and f"]({node['id']}.md)" in (folder / "README.md").read_text()
        for param in node["parameters"]:
            row = re.search(rf"^\| `{param['symbol']}` \|.*$", parameters, re.M)
            assert row and len(re.findall(r"(?<!\\)\|", row[0])) == 5, (node["id"], param["symbol"])
    assert "/proc/nodes" in foldback.fails("nodes", "--markdown", "/proc/nodes")


def test_the_manual_is_up_to_date(foldback, tmp_path):
    """doc/nodes/ is made from the metadata, never by hand: build/foldback nodes --markdown doc/nodes"""
    foldback("nodes", "--markdown", tmp_path / "nodes")
    made = {file.name: file.read_text() for file in (tmp_path / "nodes").iterdir()}
    kept = {file.name: file.read_text() for file in (TOP / "doc" / "nodes").glob("*.md")}
    stale = [name for name in made.keys() | kept.keys() if made.get(name) != kept.get(name)]
    assert not stale, f"{sorted(stale)}: run build/foldback nodes --markdown doc/nodes"
