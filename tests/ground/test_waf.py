# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher finds waf wherever it may be, and says so when it cannot; builds know what changed."""
import glob
import os
import re
import shutil
import subprocess
import sys

import pytest
from sources import TOP


@pytest.fixture
def launch(tmp_path):
    """Run a copy of the launcher that has no .waf/ beside it."""
    shutil.copy(TOP / "waf", tmp_path / "waf")

    def run(*command, path=None, **env):
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("WAF", "PYTHONPATH"))}
        return subprocess.run(command or [sys.executable, "waf", "--version"], cwd=tmp_path, capture_output=True, text=True,
                              env={**clean, "PATH": path or os.environ["PATH"], **env})
    run.folder = tmp_path
    return run


def found_waf(done):
    return done.returncode == 0 and done.stdout.startswith("waf 2.")


def test_wafdir(launch, waflib):
    done = launch(WAFDIR=str(waflib))
    assert found_waf(done), done
    assert not (launch.folder / ".waf").exists()


def test_wafdir_without_waflib(launch, tmp_path):
    done = launch(WAFDIR=str(tmp_path))
    assert done.returncode == 1 and done.stderr == f"waf: WAFDIR is {tmp_path}, which holds no waflib\n"


def test_importable_waflib(launch, waflib):
    done = launch(PYTHONPATH=str(waflib))
    assert found_waf(done), done
    assert not (launch.folder / ".waf").exists()


def test_waf_on_the_path(launch, waflib, tmp_path):
    program = tmp_path / "bin" / "waf"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH={waflib} exec "{sys.executable}" "{TOP}/waf" "$@"\n')
    program.chmod(0o755)
    done = launch(path=f"{program.parent}:{os.environ['PATH']}")
    assert found_waf(done), done
    assert not (launch.folder / ".waf").exists()


def test_waflib_that_does_not_load(launch, tmp_path):
    (tmp_path / "old" / "waflib").mkdir(parents=True)
    (tmp_path / "old" / "waflib" / "Context.py").write_text("import gone_since_python_2\n")
    done = launch(WAFDIR=str(tmp_path / "old"))
    assert done.returncode == 1 and "does not work with Python 3." in done.stderr and "gone_since" in done.stderr


def test_no_waf_and_no_apt(launch, tmp_path):
    (tmp_path / "bin").mkdir()
    done = launch(path=str(tmp_path / "bin"))
    assert done.returncode == 1
    assert done.stderr == "waf: no waflib found, and no apt-get to fetch Debian's copy: set WAFDIR to a folder that holds waflib\n"


@pytest.mark.skipif(not shutil.which("apt-get"), reason="not Debian")
def test_apt_knows_no_package(launch, tmp_path):
    """The real apt-get, with empty lists of packages."""
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(f'Dir::State::lists "{tmp_path}/lists";\nDir::Cache "{tmp_path}/lists";\n')
    done = launch(APT_CONFIG=str(tmp_path / "apt.conf"))
    assert done.returncode == 1 and done.stderr.startswith("waf: apt-get could not download xmds2, which carries waflib")
    assert "try: apt-get update" in done.stderr and not (launch.folder / ".waf").exists()


HIDE_IMP = """
import runpy, sys
finder = sys.meta_path.pop()
class Others:
    find_spec = staticmethod(lambda name, *more: None if name == "imp" else finder.find_spec(name, *more))
sys.meta_path.append(Others)
sys.modules.pop("imp", None)
sys.argv = ["waf", *sys.argv[1:]]
runpy.run_path("waf", run_name="__main__")
"""


def test_python_without_imp(project):
    """Python 3.12 dropped `imp`, which waflib 2.0.15 imports: here it is taken from whichever Python runs this."""
    done = project.run(sys.executable, "-c", HIDE_IMP, "configure", "build")
    assert done.returncode == 0 and "'build' finished successfully" in done.stdout, done.stdout
    assert (project.top / "build/graph/libfbgraph.a").exists()


def newer_pythons():
    found = [shutil.which(f"python3.{minor}") for minor in range(12, 20)]
    found += glob.glob(os.path.expanduser("~/.pyenv/versions/3.1[2-9]*/bin/python3"))
    return [path for path in found if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0]


@pytest.mark.slow
@pytest.mark.skipif(not newer_pythons(), reason="no Python of 3.12 or later here")
@pytest.mark.parametrize("python", newer_pythons())
def test_newer_python(project, python):
    done = project.run(python, "waf", "configure", "build")
    assert done.returncode == 0 and "'build' finished successfully" in done.stdout, done.stdout


# --- builds


def compiled(done):
    assert done.returncode == 0, done.stdout
    return sorted(line.split()[-1] for line in done.stdout.splitlines() if "] Compiling " in line)


def test_only_what_changed(project):
    assert len(compiled(project.run("./waf", "configure", "build"))) > 2
    assert compiled(project.run("./waf")) == []
    with (project.top / "graph/ring.h").open("a") as header:
        header.write("/* changed */\nint fb_changed(void);\n")
    assert compiled(project.run("./waf")) == ["graph/ring.c"]


def test_changed_wscript_configures_anew(project):
    project.run("./waf", "configure", "build", "--debug")
    text = (project.top / "wscript").read_text()
    project.write("wscript", text.replace('VERSION = "', 'VERSION = "9.'))
    done = project.run("./waf")
    assert "Checking for" in done.stdout and "graph/ring.c" in compiled(done)
    assert "-O0" in (project.top / "build/c4che/_cache.py").read_text()  # with the options of last time


def test_a_variant_leaves_the_build_alone(project):
    project.run("./waf", "configure", "build")
    before = (project.top / "build/c4che/_cache.py").read_text()
    variant = {"WAFLOCK": ".lock-waf-variant"}
    done = project.run("./waf", "--out=build-variant", "configure", "--sanitize=address,undefined", "build", **variant)
    assert "graph/ring.c" in compiled(done)
    assert (project.top / "build-variant/graph/libfbgraph.a").exists()
    assert compiled(project.run("./waf")) == [] and compiled(project.run("./waf", **variant)) == []
    assert (project.top / "build/c4che/_cache.py").read_text() == before


def test_bench_says_when_there_is_none(project):
    project.run("./waf", "configure")
    done = project.run("./waf", "bench")
    assert done.returncode != 0 and "there is no benchmark yet: tests/bench/run.py is missing" in done.stdout


def test_waf_test_builds_and_tests(project):
    project.write("tests/unit/graph/test_one.c", (TOP / "tests/unit/graph/test_ring.c").read_text())
    project.run("./waf", "configure")
    done = project.run("./waf", "test", "--only", "order")
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout
    project.write("tests/test_bad.py", "def test_bad():\n    assert False\n")
    done = project.run("./waf", "test", "--fast")
    assert done.returncode != 0 and re.search(r"1 failed, [2-9] passed", done.stdout), done.stdout
