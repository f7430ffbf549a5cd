# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders know only whom design.md lets them know: read from the sources' includes and from the built objects'
undefined symbols. The table of rules stands in rules.py."""
import subprocess

import pytest
import rules
import sources


def code():
    return [path for path in sources.files("*.c", "*.h", "*.inc") if path.parts[0] not in ("tests", "doc")
            and not path.name.startswith("test_")]


def told(faults):
    return "\n".join(faults)


def test_includes():
    paths = code()
    assert len(paths) > 30  # fewer: the search is broken
    faults = [fault for path in paths for fault in rules.include_faults(path, sources.read(path))]
    assert not faults, told(faults)


def test_symbols(build):
    objects = rules.objects(build)
    folders = {source.split("/")[0] for source in objects.values()}
    built = {path.parts[0] for path in code() if path.suffix == ".c"}
    assert folders == built, "build/ does not hold what the tree holds: run ./waf"
    defined = rules.definitions(objects)
    faults = [fault for path, source in objects.items() for fault in rules.symbol_faults(path, source, defined)]
    assert not faults, told(faults)


def test_nodes_stand_alone(build):
    """A node's shared object asks nobody but the C library and FFTW, and exports its entry point alone."""
    nodes = sorted((build / "nodes").glob("*.so"))
    assert nodes
    faults = []
    for node in nodes:
        faults += rules.symbol_faults(node, f"nodes/{node.stem}/{node.name}", {})
        exported = {symbol for symbol, _kind in rules.nm(node, "-D", "--defined-only")}
        if exported != {"fb_node_entry"}:
            faults.append(f"{node.name} exports {', '.join(sorted(exported))}")
    assert not faults, told(faults)


# --- the checker itself can fail


@pytest.mark.parametrize("path, include, wanted", [
    ("graph/engine.c", "<jack/jack.h>", "of jack"),
    ("graph/engine.c", "<lo/lo.h>", "of liblo"),
    ("graph/engine.c", '"../osc/tree.h"', "includes osc/tree.h"),
    ("nodes/eq/eq.c", '"../../graph/plan.h"', "includes graph/plan.h"),
    ("nodes/eq/eq.c", '"../comp/curve.h"', "includes nodes/comp/curve.h"),
    ("nodes/eq/eq.c", "<jansson.h>", "of jansson"),
    ("metrics/level.c", '"../graph/engine.h"', "includes graph/engine.h"),
    ("metrics/level.c", "<sndfile.h>", "of sndfile"),
    ("osc/tree.c", "<sqlite3.h>", "of sqlite"),
    ("osc/tree.c", '"../storage/store.h"', "includes storage/store.h"),
    ("storage/store.c", "<libwebsockets.h>", "of libwebsockets"),
    ("server/main.c", '"../clients/tui/page.h"', "includes clients/tui/page.h"),
    ("clients/tui/page.c", '"../../graph/engine.h"', "includes graph/engine.h"),
    ("clients/tui/page.c", '"../../osc/tree.h"', "includes osc/tree.h"),
    ("clients/ctl/main.c", '"../../server/control.h"', "includes server/control.h"),
    ("graph/engine.c", "<gtk/gtk.h>", "no known library"),
    ("graph/engine.c", "HEADER", "say which file"),
    ("elsewhere/x.c", "<stdio.h>", "no folder"),
])
def test_a_bad_include_is_found(path, include, wanted):
    faults = rules.include_faults(path, f"/* x */\n #  include {include}\n")
    assert len(faults) == 1 and wanted in faults[0], faults


@pytest.mark.parametrize("path, include", [
    ("graph/engine.c", "<jansson.h>"),
    ("graph/engine.c", "<sys/stat.h>"),
    ("graph/engine.c", "<stdatomic.h>"),
    ("nodes/eq/eq.c", '"../../graph/node.h"'),
    ("nodes/eq/eq.c", '"../dsp/section.h"'),
    ("nodes/eq/eq.c", '"curve.h"'),
    ("osc/tree.c", '"../graph/ring.h"'),
    ("server/main.c", "<jack/metadata.h>"),
    ("server/main.c", '"../storage/store.h"'),
    ("clients/tui/page.c", '"../../osc/client.h"'),
    ("clients/ctl/render.c", '"../../graph/offline.h"'),
])
def test_a_good_include_passes(path, include):
    assert rules.include_faults(path, f"#include {include}\n") == []


@pytest.mark.parametrize("code, wanted", [
    ("void *jack_client_open(void); void *f(void) { return jack_client_open(); }", "jack_client_open of jack"),
    ("void *lo_server_new(void); void *f(void) { return lo_server_new(); }", "lo_server_new of liblo"),
    ("int fb_tree_x(void); int f(void) { return fb_tree_x(); }", "fb_tree_x of osc/tree.c"),
    ("int g_main(void); int f(void) { return g_main(); }", "no known library"),
    ("int json_delete(void), fb_plan_x(void), puts(const char *); int f(void) { return json_delete() + fb_plan_x() + "
     "puts(\"\"); }", None),
], ids="jack liblo other_folder unknown allowed".split())
def test_a_bad_symbol_is_found(tmp_path, code, wanted):
    (tmp_path / "x.c").write_text(code)
    subprocess.run(["cc", "-w", "-fno-builtin", "-c", "x.c", "-o", "x.o"], cwd=tmp_path, check=True)
    faults = rules.symbol_faults(tmp_path / "x.o", "graph/x.c", {"fb_tree_x": ["osc/tree.c"],
                                                                         "fb_plan_x": ["server/plan.c", "graph/plan.c"]})
    assert (len(faults) == 1 and wanted in faults[0]) if wanted else faults == [], faults
