# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./waf install leaves is enough for a node author: header, pkg-config file, place for nodes."""
import os
import shutil
import subprocess

import pytest
from sources import TOP

NODE = r"""
#include <foldback/node.h>

static const fb_port_info port = {"main", "Main", "The signal", 2};

static size_t instance_size(double rate_hz, const float *params)
{
	(void)rate_hz, (void)params;
	return 1;
}
static bool prepare(void *self, double rate_hz, const float *params)
{
	(void)self, (void)params;
	return rate_hz > 0;
}
static void process(void *self, const fb_tick *tick)
{
	(void)self;
	for (int i = 0; i < FB_TICK; i++) {
		tick->out[0][i] = tick->in[1][i];
		tick->out[1][i] = tick->in[0][i];
	}
}
static void reset(void *self)
{
	(void)self;
}
static const fb_node_desc desc = {
	FB_NODE_BUILT, .id = "swap", .label = "Swap", .doc = "Swaps left and right",
	.category = "utility", .inputs = &port, .outputs = &port, .n_inputs = 1, .n_outputs = 1,
	.instance_size = instance_size, .prepare = prepare, .process = process, .reset = reset,
};

FB_NODE_ENTRY(desc)
"""

LIST = r"""
#include "graph/loader.h"

#include <stdio.h>

static void warn(const fb_error *why)
{
	printf("%s: %s\n", why->where, why->text);
}

int main(int argc, char **argv)
{
	fb_nodes *nodes = NULL;
	fb_error error = {0};
	if (argc < 2 || fb_nodes_open(argv[1], warn, &nodes, &error)) {
		printf("%s: %s\n", error.where, error.text);
		return 1;
	}
	for (size_t i = 0; i < fb_nodes_count(nodes); i++) {
		printf("%s\n", fb_nodes_at(nodes, i)->id);
	}
	fb_nodes_close(nodes);
	return 0;
}
"""


def run(*command, **kw):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


def find_pkg_config(dest, *options):
    folder = next(dest.rglob("foldback.pc")).parent
    env = {**os.environ, "PKG_CONFIG_PATH": str(folder), "PKG_CONFIG_SYSROOT_DIR": str(dest)}
    return run("pkg-config", *options, "foldback", env=env)


@pytest.fixture(scope="module")
def installed(tmp_path_factory, build):
    """DESTDIR after an install of the build under test."""
    dest = tmp_path_factory.mktemp("install")
    if build != TOP / "build":
        pytest.skip("installs build/ only")
    run("./waf", "install", f"--destdir={dest}", cwd=TOP)
    return dest


@pytest.fixture
def prefix(installed):
    """The folder that became PREFIX, inside DESTDIR."""
    return installed / find_pkg_config(installed, "--variable=prefix").removeprefix(str(installed)).lstrip("/")


@pytest.fixture
def pkg_config(installed):
    return lambda *options: find_pkg_config(installed, *options)


def test_what_is_installed(prefix, build):
    names = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    assert {"include/foldback/node.h", "include/foldback/scale.h", "lib/pkgconfig/foldback.pc"} <= names
    assert {name for name in names if name.startswith("lib/foldback/nodes/")} == \
        {f"lib/foldback/nodes/{path.name}" for path in (build / "nodes").glob("*.so")}
    assert {name for name in names if name.startswith("share/foldback/presets/")} == \
        {f"share/foldback/{path.relative_to(TOP)}" for path in (TOP / "presets").rglob("*.json")}
    assert not [name for name in names if "test" in name or name.endswith(".a")]


def test_prefix_and_destdir(project, tmp_path):
    project.write("nodes/swap/swap.c", NODE.replace("<foldback/node.h>", '"../../graph/node.h"'))
    shutil.copy(TOP / "nodes/wscript", project.top / "nodes/wscript")
    project.write("nodes/dsp/none.c", "extern int none;\nint none;\n")
    project.write("presets/stations/plain.json", "{}\n")
    done = project.run("./waf", "--prefix=/opt/foldback", "configure", "install", f"--destdir={tmp_path}/dest")
    assert done.returncode == 0, done.stdout
    names = {str(path.relative_to(tmp_path / "dest")) for path in (tmp_path / "dest").rglob("*") if path.is_file()}
    assert names == {f"opt/foldback/{name}" for name in (
        "include/foldback/node.h", "include/foldback/scale.h", "lib/pkgconfig/foldback.pc", "lib/foldback/nodes/swap.so",
        "share/foldback/presets/stations/plain.json")}
    assert find_pkg_config(tmp_path / "dest", "--variable=nodedir").endswith("/opt/foldback/lib/foldback/nodes")


def test_node_out_of_tree(installed, pkg_config, build, tmp_path):
    """Compiled against what is installed and nothing else, then found by the loader in the installed folder."""
    (tmp_path / "swap.c").write_text(NODE)
    run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *pkg_config("--cflags").split(), "swap.c", "-o",
        "swap.so", cwd=tmp_path)
    folder = str(installed) + pkg_config("--variable=nodedir").removeprefix(str(installed))
    (tmp_path / "list.c").write_text(LIST)
    run("cc", f"-I{TOP}", "list.c", f"{build}/graph/libfbgraph.a", "-o", "list", "-ljansson", "-lm", cwd=tmp_path)
    shipped = run(tmp_path / "list", folder).splitlines()
    assert "gain" in shipped and "swap" not in shipped
    assert run(tmp_path / "list", f"{tmp_path}:{folder}").splitlines() == sorted(shipped + ["swap"])


def test_pkg_config(pkg_config):
    version = next(line for line in (TOP / "wscript").read_text().splitlines() if line.startswith("VERSION"))
    assert pkg_config("--modversion") == version.split('"')[1]
    assert pkg_config("--libs") == ""  # a node links nothing
