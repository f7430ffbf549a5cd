# SPDX-License-Identifier: GPL-3.0-or-later
"""House style that a machine can hold: format, licence lines, sizes, words, cppcheck, a second compiler."""
import os
import re
import shutil
import subprocess

import pytest
import sources
from sources import TOP

LICENCE = "SPDX-License-Identifier: GPL-3.0-or-later"
LINES_MAX = 600
COLUMNS_MAX = 100
TAB = 4
LONGER = {}  # C files that may have more lines, each with its reason: {"graph/x.c": "one table"}

# Places of one machine, and notes to self. Put together here so that this file passes too.
WORDS = re.compile(r"/work" + r"/|/tmp" + r"/wt\b|/home" + r"/[a-z]|/root" + r"/|\bTO" + r"DO\b|\bFIX" + r"ME\b|\bXX" + r"X\b")

CODE = ("*.c", "*.h")
SCRIPTS = ("*.py", "wscript", "*.sh", "*.mjs", "*.js", "*.css", "*.sql")


def parallel(command, paths, **kw):
    """Run a command over files, as many at once as there are processors; return what it printed if it failed."""
    done = subprocess.run(["xargs", "-P", str(os.cpu_count() or 1), "-n", "8", *command],
                          input="\n".join(map(str, paths)), capture_output=True, text=True, cwd=TOP, **kw)
    return (done.stdout + done.stderr or f"code {done.returncode}") if done.returncode else ""


def test_format():
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True).stdout
    if " version 14." not in version:
        pytest.skip("clang-format 14 decides, here is" + version)
    wrong = parallel(["clang-format", "--dry-run", "-Werror"], sources.files(*CODE))
    files = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error:", wrong, re.M)))
    assert not wrong, "./waf format puts this right: " + (", ".join(files) or wrong)


def scripts_without_suffix():
    return [path for path in sources.files() if not path.suffix and path.name != "wscript"
            and sources.read(path).startswith("#!")]


def test_licence():
    """In the first line, or the second after #!."""
    paths = sources.files(*CODE, *SCRIPTS, "*.inc") + scripts_without_suffix()
    bare = [str(path) for path in paths if LICENCE not in "\n".join(
        sources.read(path).split("\n")[:2 if sources.read(path).startswith("#!") else 1])]
    assert not bare, f"no line `{LICENCE}` on top: " + ", ".join(bare)


def test_size():
    long = {}
    for path in sources.files(*CODE):
        lines = sources.read(path).count("\n")
        if lines > LINES_MAX and str(path) not in LONGER:
            long[str(path)] = lines
    assert not long, f"more than {LINES_MAX} lines, so more than one idea: {long}"


def test_columns():
    """Code is clang-format's; this is for comments and long strings."""
    wide = [f"{path}:{number}" for path in sources.files(*CODE)
            for number, line in enumerate(sources.read(path).split("\n"), 1) if len(line.expandtabs(TAB)) > COLUMNS_MAX]
    assert not wide, f"wider than {COLUMNS_MAX} columns: " + ", ".join(wide)


def test_words():
    found = [f"{path}:{number}: {line.strip()}" for path in sources.files() if path.name != "LICENSE"
             for number, line in enumerate(sources.read(path).split("\n"), 1) if WORDS.search(line)]
    assert not found, "\n".join(found)


def test_ends():
    """Files end with one newline; lines of text with no space."""
    bad = []
    for path in sources.files(*CODE, *SCRIPTS, "*.md") + scripts_without_suffix():
        text = sources.read(path)
        if not text.endswith("\n") or text.endswith("\n\n"):
            bad.append(f"{path}: ends not with one newline")
        bad += [f"{path}:{number}: space at the end" for number, line in enumerate(text.split("\n"), 1)
                if line != line.rstrip()]
    assert not bad, "\n".join(bad)


# What cppcheck 2.10 gets wrong and the compilers' own warnings and the sanitizers cover.
CPPCHECK_OFF = [
    "missingInclude", "missingIncludeSystem", "unmatchedSuppression",  # it reads no header of the system
    "uninitvar", "ctuuninitvar",  # takes `p = p ? p : &own` for a read of `own`
    "memleak",  # loses a pointer kept through ?: or a compound literal; LeakSanitizer does not
    "objectIndex",  # takes a vector of floats for one float
]


def test_cppcheck(build):
    work = build / "cppcheck"  # what it found in files that did not change
    work.mkdir(exist_ok=True)
    multiarch = subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True).stdout.strip()
    queue = [path for path in (f"/usr/include/{multiarch}/sys/queue.h", "/usr/include/sys/queue.h") if os.path.exists(path)]
    done = subprocess.run(
        ["cppcheck", "-q", "-j", str(os.cpu_count() or 1), "--std=c11", "--language=c", "--library=posix,gnu",
         "--enable=warning,performance,portability", "--inline-suppr", f"--cppcheck-build-dir={work}", "--error-exitcode=1",
         "-D__GNUC__=12", "-D_GNU_SOURCE", '-DFB_VERSION="0"', '-DFB_NODE_DIR=""', '-DFB_DATA_DIR=""', '-DFB_SPEECH_MODEL=""',  # as wscript has them
         '-DFB_TOP=""', '-DFB_BUILD=""', "-Itests/support",
         *[f"--include={path}" for path in queue[:1]],  # macros that declare
         *[f"--suppress={name}" for name in CPPCHECK_OFF],
         "--template={file}:{line}: {severity}: {message} [{id}]", "--file-list=-"],
        input="\n".join(map(str, sources.files("*.c"))), capture_output=True, text=True, cwd=TOP)
    assert done.returncode == 0, (done.stdout + done.stderr).strip()


@pytest.mark.skipif(not shutil.which("clang"), reason="no clang here")
@pytest.mark.slow
def test_clang(build):
    """What gcc takes, clang takes, with the same warnings (but for signs: wscript)."""
    config = {}
    exec((build / "c4che" / "_cache.py").read_text(), config)  # waf keeps it as assignments
    def values(name):
        lists = [config[key] for key in config if key == name or key.startswith(name + "_")]
        return [value for values in lists if isinstance(values, list) for value in values]
    wrong = parallel(["clang", "-fsyntax-only", "-Itests/support", '-DFB_TOP=""', '-DFB_BUILD=""', '-DFB_SPEECH_MODEL=""', "-Wno-macro-redefined", *config["CFLAGS"],
                      "-Wno-unknown-warning-option", "-Wno-sign-conversion", *[f"-D{define}" for define in values("DEFINES")],
                      *[f"-I{folder}" for folder in values("INCLUDES")]],
                     [path for path in sources.files("*.c") if path.parts[0] != "doc"])  # examples build by themselves
    assert not wrong, wrong
