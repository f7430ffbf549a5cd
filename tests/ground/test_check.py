# SPDX-License-Identifier: GPL-3.0-or-later
"""./check counts right and fails when it must; the installer of packages says in one sentence what it cannot do."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sources import TOP

C_TEST = """/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testing.h"
%s
int main(void)
{
	const struct CMUnitTest tests[] = {%s};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
"""
GOOD = "static void test_good(void **state)\n{\n\tassert_null(*state);\n}\n"
BAD = 'static void test_bad(void **state)\n{\n\tfail_msg("%s", *state ? "" : "why it is bad");\n}\n'


def c_test(project, name, code, *tests):
    project.write(f"tests/unit/graph/test_{name}.c", C_TEST % (code, ", ".join(f"cmocka_unit_test({test})" for test in tests)))


def last_line(done):
    return done.stdout.splitlines()[-1]


def test_pass_and_fail(project):
    c_test(project, "mixed", GOOD + BAD, "test_good", "test_bad")
    done = project.run("./check", "--fast", CI="true")
    assert done.returncode == 1 and last_line(done) == "1 passed, 1 failed", done.stdout
    assert "FAILED" in done.stdout and "test_bad" in done.stdout and "why it is bad" in done.stdout
    assert "test_good" not in done.stdout  # what went well takes no room

    c_test(project, "mixed", GOOD, "test_good")
    done = project.run("./check", "--fast", CI="true")
    assert done.returncode == 0 and last_line(done) == "1 passed, 0 failed", done.stdout
    assert "configured anew" not in done.stdout  # only the changed test was built


@pytest.mark.slow
def test_no_test_is_a_failure(project):
    done = project.run("./check", "--fast")
    assert done.returncode == 1 and last_line(done) == "0 passed, 0 failed" and "no test ran" in done.stdout, done.stdout


@pytest.mark.slow
def test_build_failure(project):
    c_test(project, "mixed", GOOD, "test_good")
    project.write("graph/broken.c", "int broken(void)\n{\n\treturn undeclared;\n}\n")
    done = project.run("./check", "--fast")
    assert done.returncode == 1 and last_line(done) == "0 passed, 1 failed", done.stdout
    assert "undeclared" in done.stdout


def test_unknown_option(project):
    done = project.run("./check", "--quick")
    assert done.returncode == 2 and done.stdout.startswith("check: unknown option --quick\nusage: ")


@pytest.mark.slow
def test_python_tests_count_too(project):
    c_test(project, "mixed", GOOD, "test_good")
    project.write("tests/test_file.py", "import pytest\ndef test_good(): pass\ndef test_skipped(): pytest.skip('x')\n"
                                        "@pytest.mark.slow\ndef test_slow(): assert False\n")
    project.write("tests/test_broken.py", "import no_such_module\n")
    done = project.run("./check", "--fast")
    assert done.returncode == 1 and last_line(done) == "2 passed, 1 failed", done.stdout
    assert "no_such_module" in done.stdout and "2 skipped" in done.stdout


LEAK = "static void test_leak(void **state)\n{\n\tstatic void *volatile kept;\n\tkept = malloc(7);\n\tkept = *state;\n\tassert_null(kept);\n}\n"
RACE = """#include <pthread.h>
static int shared;
static void *add(void *state)
{
	shared++;
	return state;
}
static void test_race(void **state)
{
	pthread_t other;
	assert_int_equal(pthread_create(&other, NULL, add, *state), 0);
	shared++;
	pthread_join(other, NULL);
}
"""
OVERFLOW = "static void test_overflow(void **state)\n{\n\tvolatile int x = 2147483647;\n\tx += 1 + !!*state;\n}\n"


@pytest.mark.slow
def test_sanitizers_find_what_the_plain_build_forgives(project):
    c_test(project, "leak", LEAK, "test_leak")
    c_test(project, "race", RACE, "test_race")
    c_test(project, "overflow", OVERFLOW, "test_overflow")
    done = project.run("./check")
    assert done.returncode == 1 and last_line(done) == "4 passed, 3 failed", done.stdout
    counts = re.findall(r"^tests.*s  (\d passed, \d failed)", done.stdout, re.M)
    assert counts == ["3 passed, 0 failed", "1 passed, 2 failed", "0 passed, 1 failed"], done.stdout
    for report in ("detected memory leaks", "signed integer overflow", "ThreadSanitizer: data race"):
        assert report in done.stdout, done.stdout
    assert compiled_nothing(project)


def compiled_nothing(project):
    return "Compiling" not in project.run("./waf").stdout


# --- the runner of C programs


VERDICTS = {  # name: (code, tests, what pytest says)
    "crash": ("static void test_crash(void **state)\n{\n\t*(volatile int *)*state = 1;\n}\n" + GOOD,
              ["test_crash", "test_good"], ["1 failed, 1 passed", "Segmentation fault"]),
    "exit": ("static void test_exit(void **state)\n{\n\texit(*state ? 1 : 3);\n}\n" + GOOD, ["test_good", "test_exit"],
             ["1 failed, 1 passed", "the program ended with code 3 before this test"]),
    "kill": ("#include <signal.h>\nstatic void test_kill(void **state)\n{\n\traise(*state ? 0 : 9);\n}\n" + GOOD,
             ["test_good", "test_kill"], ["1 failed, 1 passed", "the program was ended by SIGKILL before this test"]),
    "skip": ("static void test_skip(void **state)\n{\n\t(void)state;\n\tskip();\n}\n" + GOOD, ["test_good", "test_skip"],
             ["1 passed, 1 skipped"]),
    "slow": ("/* pytest: slow */\n" + GOOD, ["test_good"], ["1 skipped"]),
    "alone": ("/* pytest: alone */\n" + GOOD, ["test_good"], ["1 passed"]),
}
# A test that collection does not see would be lost without a word if it failed or vanished.
UNSEEN = 'cmocka_unit_test(test_good), {"test_unseen", %s, NULL, NULL, NULL}'
SOURCES = {  # name: (source, what pytest says)
    **{name: (C_TEST % (code, ", ".join(f"cmocka_unit_test({test})" for test in tests)), wanted)
       for name, (code, tests, wanted) in VERDICTS.items()},
    "unseen": (C_TEST % (GOOD, UNSEEN % "test_good"), ["1 failed", "ran without being named", "test_unseen"]),
    "unseen_fails": (C_TEST % (GOOD + BAD, UNSEEN % "test_bad"), ["1 failed", "ran without being named", "test_unseen"]),
    "teardown": ((C_TEST % (GOOD + "static int end(void **state)\n{\n\treturn *state ? 0 : -1;\n}\n",
                            "cmocka_unit_test(test_good)")).replace("(tests, NULL, NULL)", "(tests, NULL, end)"),
                 ["1 failed", "all tests passed, but GROUP TEARDOWN failed"]),
    "plain_program": ("int main(void)\n{\n\treturn 3;\n}\n", ["1 failed", "the program ended with code 3"]),
}


@pytest.fixture(scope="module")
def verdicts(shared_project):
    for name, (source, _wanted) in SOURCES.items():
        shared_project.write(f"tests/unit/graph/test_{name}.c", source)
    done = shared_project.run("./waf", "configure", "build")
    assert done.returncode == 0, done.stdout
    return shared_project


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_verdicts(verdicts, name):
    done = verdicts.run(sys.executable, "-m", "pytest", "-q", "--fast", f"tests/unit/graph/test_{name}.c")
    assert all(text in done.stdout for text in SOURCES[name][1]), done.stdout


def test_not_built(project):
    project.run("./waf", "configure", "build")
    c_test(project, "late", GOOD, "test_good")
    done = project.run(sys.executable, "-m", "pytest", "-q", "tests")
    assert done.returncode == 1 and "is not built: run ./waf" in done.stdout, done.stdout


# --- packages


@pytest.fixture
def installer():
    """A copy of .ci where any user may read it; add(line) lengthens its list."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(TOP / ".ci", Path(folder) / ".ci")
        shutil.copy(TOP / "waf", folder)

        class Installer:
            command = ["sh", f"{folder}/.ci/install"]
            top = Path(folder)

            @staticmethod
            def add(line):
                with (Path(folder) / ".ci/packages").open("a") as listed:
                    listed.write(line + "\n")

            @staticmethod
            def run(*groups, user=(), **env):
                return subprocess.run([*user, "sh", f"{folder}/.ci/install", *groups], capture_output=True, text=True,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **env})
        yield Installer


def test_silent_when_all_is_there(installer):
    done = installer.run("test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="not Debian")
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root becomes somebody else")


@needs_apt
@needs_root
def test_neither_root_nor_sudo(installer):
    installer.add("foldback-none  test  cmd:foldback-none")
    done = installer.run("test", user=NOBODY)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == ("packages: installing takes root or sudo, and there is neither; "
                           "as root: apt-get install foldback-none\n")


def test_what_is_there_otherwise_is_not_asked_for(installer):
    installer.add("foldback-none  test  cmd:sh")
    assert installer.run("test").returncode == 0


def test_other_groups_do_not_matter(installer):
    installer.add("foldback-none  demo  cmd:foldback-none")
    assert installer.run("test").returncode == 0


@needs_apt
@needs_root
def test_apt_fails(installer):
    """The real apt-get, with no source to ask."""
    lists = installer.top / "lists" / "partial"
    lists.mkdir(parents=True)
    config = installer.top / "apt.conf"
    config.write_text(f'Dir::State::lists "{lists.parent}";\nDir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n')
    installer.add("foldback-none  test  cmd:foldback-none")
    done = installer.run("test", APT_CONFIG=str(config))
    assert done.returncode == 1
    assert done.stdout == "packages: installing with apt-get: foldback-none\npackages: apt-get update\n"
    assert done.stderr == ("packages: apt-get could not install foldback-none: "
                           "E: Unable to locate package foldback-none\n")


def test_not_debian(installer):
    tools = installer.top / "bin"
    tools.mkdir()
    for name in "sh mktemp rm dirname cut sed paste tail grep id env pkg-config python3".split():
        (tools / name).symlink_to(shutil.which(name))
    installer.add("foldback-none  test  cmd:foldback-none\nlibfoldback-none  test  pc:foldback-none")
    done = installer.run("test", PATH=str(tools))
    assert done.returncode == 1 and done.stderr.startswith("packages: this is not Debian, so please install what is missing")
    assert "foldback-none (program), foldback-none (pkg-config)" in done.stderr
