# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual names what there is: each address, route and option in it is in the programs, and each link leads somewhere."""
import re
import subprocess

import pytest

from servers import BUILD, TOP, Foldbackd

PAGES = [TOP / "README.md", *sorted((TOP / "doc").glob("*.md"))]
PATCH = TOP / "presets/stations/speech_live.json"
PLACES = {"N": "1", "NODE": "comp", "PARAM": "threshold", "ID": "[^/]+", "PART": "[^/]+", "NAME": "[^/]+", "NAME.wav": "[^/]+"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Foldbackd(tmp_path_factory.mktemp("manual"), "--stations", 3, "--patch", PATCH, "--node-path", BUILD / "nodes") as foldbackd:
        yield foldbackd


def found(pattern, but=()):
    """{page:line text} of what a pattern finds in the manual."""
    return {f"{page.name}:{n} {text}": text for page in PAGES for n, line in enumerate(page.read_text().splitlines(), 1)
            for text in re.findall(pattern, line) if text not in but}


def regex(text):
    """An address or route of the manual, with its placeholders, as an expression."""
    return "/".join(PLACES.get(part) or re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in text.split("/"))


def missing(named, known):
    assert len(named) > 20
    return [where for where, text in named.items() if not any(re.fullmatch(regex(text), place) for place in known)]


def test_addresses(server):
    def below(place):
        yield place["FULL_PATH"]
        for child in place.get("CONTENTS", {}).values():
            yield from below(child)
    named = found(r"(?<![\w./*\]}])/(?:norm/)?(?:station|server|scene|midi)/[\w/*]*\w(?![\w/*]*[{?|])", {"/station/1/trem/rate"})
    assert missing(named, list(below(server.get("/")))) == []


def test_routes(server):
    known = [re.sub(r"\{\w+\}", "1", path) for path in server.get("/api/openapi.json")["paths"]]
    assert missing(found(r"/api/[\w/.-]*\w"), known) == []


def test_options():
    def helped(program, *command):
        return subprocess.run([BUILD / program, *command, "--help"], capture_output=True, text=True).stdout
    general = helped("foldback")
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)*)(?= )", general, re.M)
    text = general + "".join(helped("foldback", *command.split()) for command in commands)
    text += "".join(helped(program) for program in ("foldbackd", "foldback-optimizer", "foldback-stt"))
    others = {"--fast", "--long", "--stay", "--destdir", "--load", "--custom-module", "--send"}  # check, demo, waf, open-stage-control
    named = found(r"(?<![\w-])--[a-z][a-z-]+", others)
    assert len(named) > 50
    assert [where for where, option in named.items() if not re.search(option + r"\b(?!-)", text)] == []


def test_links():
    named = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)#]+)", page.read_text()) if "://" not in target]
    assert len(named) > 30
    assert [f"{page.name}: {target}" for page, target in named if not (page.parent / target).exists()] == []


def test_reserved_ids(server):
    """What stands beside a station's nodes is no id of one, and the page on patches lists it."""
    told = re.search(r"Ids that may not be used.*?`([^`]*)`", (TOP / "doc/patches.md").read_text(), re.S)[1].split()
    nodes = {address.split(".")[0] for address in server.get("/api/stations/1/params")}
    beside = set(server.get("/station/1")["CONTENTS"]) - nodes
    assert beside and beside <= set(told)
    for name in told:
        status, answer = server.http("POST", "/api/stations/1/edit", {"edits": [{"op": "add", "type": "gain", "id": name}]})
        assert status == 400 and "that id is foldback's own" in answer["error"]["message"]
