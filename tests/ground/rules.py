# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may know whom: design.md's table of folders, and how includes and undefined symbols are held against it."""
import re
import subprocess
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path, PurePosixPath

from sources import TOP

# The headers any folder may stand on: how failure is reported, how values are scaled, how threads meet.
BASE = ["graph/status.*", "graph/scale.*", "graph/ring.*"]

# folder: (files of the project it may use, third-party libraries it may use). The longest folder counts;
# {own} is the folder itself, for nodes/* and clients/* the part's own folder. A pattern stands for the header
# and for the object that implements it.
RULES = {
    "graph": (["{own}/*"], ["jansson"]),
    "nodes": (["{own}/*", "nodes/dsp/*", "graph/node.h", "graph/scale.h"], ["fftw"]),
    "metrics": (["{own}/*", *BASE], ["fftw", "ebur128", "jansson"]),
    "osc": (["{own}/*", *BASE], ["liblo", "jansson"]),
    "storage": (["{own}/*", *BASE], ["sqlite", "jansson", "libcrypto"]),
    # The server alone joins the others.
    "server": (["{own}/*", "graph/*", "metrics/*", "osc/*", "storage/*"],
               ["jack", "libwebsockets", "liblo", "jansson", "sndfile", "samplerate", "libcrypto", "zlib", "sqlite", "avahi"]),
    "clients": (["{own}/*", "clients/common/*", "osc/client*", *BASE],
                ["liblo", "curl", "jansson", "ncurses", "nlopt", "libwebsockets", "sndfile", "samplerate", "pocketsphinx"]),
    # A departure from design.md's table: `foldback render`, `analyze`, `nodes` and `patch check` work without a
    # server, so the command carries the engine and the analysers itself (doc/decisions.md).
    "clients/ctl": (["{own}/*", "clients/common/*", "osc/client*", *BASE, "graph/*", "metrics/*"],
                    ["liblo", "curl", "jansson", "sndfile", "samplerate", "libwebsockets", "zlib"]),
}
PARTS = ("nodes", "clients")  # folders whose subfolders do not know each other

# library: (its headers, its pkg-config modules or -l names)
LIBRARIES = {
    "jack": (["jack/*"], ["jack"]),
    "liblo": (["lo/*"], ["liblo"]),
    "fftw": (["fftw3.h"], ["fftw3f", "fftw3", "-lfftw3f_threads", "-lfftw3_threads"]),
    "ebur128": (["ebur128.h"], ["libebur128"]),
    "sqlite": (["sqlite3.h"], ["sqlite3"]),
    "jansson": (["jansson.h"], ["jansson"]),
    "curl": (["curl/*"], ["libcurl"]),
    "libwebsockets": (["libwebsockets.h", "libwebsockets/*"], ["libwebsockets"]),
    "sndfile": (["sndfile.h"], ["sndfile"]),
    "samplerate": (["samplerate.h"], ["samplerate"]),
    "nlopt": (["nlopt.h"], ["nlopt"]),
    "libcrypto": (["openssl/*"], ["libcrypto"]),
    "zlib": (["zlib.h"], ["zlib"]),
    "avahi": (["avahi-client/*", "avahi-common/*"], ["avahi-client"]),
    "ncurses": (["ncurses.h", "curses.h", "panel.h", "ncursesw/*"], ["ncursesw"]),
    "pocketsphinx": (["pocketsphinx.h", "pocketsphinx/*", "sphinxbase/*"], ["pocketsphinx", "sphinxbase"]),
}


def rule_of(path):
    """The rule for a file, or None where there is none: (patterns of files, libraries)."""
    parts = PurePosixPath(path).parts[:-1]
    for length in range(len(parts), 0, -1):
        folder = "/".join(parts[:length])
        if folder in RULES:
            own = "/".join(parts[:2]) if parts[0] in PARTS else folder
            patterns, libraries = RULES[folder]
            return [pattern.format(own=own) for pattern in patterns], libraries
    return None


def allowed(path, patterns):
    return any(fnmatch(str(path), pattern) for pattern in patterns)


# --- includes


@lru_cache(maxsize=None)
def system_headers():
    """What the C library, the kernel's headers and the compiler bring. Empty where there is no dpkg to ask."""
    found = subprocess.run("dpkg -L libc6-dev linux-libc-dev; find $(cc -print-file-name=include) -name '*.h'",
                           shell=True, capture_output=True, text=True).stdout
    return {re.sub(r"^.*/include/([a-z0-9_]+-linux-gnu/)?", "", line) for line in found.splitlines() if line.endswith(".h")}


def include_faults(path, text):
    """What is wrong with the includes of a source, as sentences."""
    rule = rule_of(path)
    if not rule:
        return [f"{path} is in no folder that the table of rules knows"]
    patterns, libraries = rule
    faults = []
    for line in re.findall(r"^\s*#\s*include\b\s*(.*)", text, re.M):
        name = re.match(r'[<"]([^>"]+)[>"]', line)
        if not name:
            faults.append(f"{path} includes {line}: say which file")
        elif line[0] == '"':
            target = (TOP / path).parent.joinpath(name[1]).resolve()
            target = target.relative_to(TOP) if target.is_relative_to(TOP) else target
            if not allowed(target, patterns):
                faults.append(f"{path} includes {target}")
        else:
            library = next((lib for lib, (headers, _) in LIBRARIES.items() if allowed(name[1], headers)), None)
            if library and library not in libraries:
                faults.append(f"{path} includes <{name[1]}> of {library}")
            elif not library and system_headers() and name[1] not in system_headers():
                faults.append(f"{path} includes <{name[1]}>, which is of no known library (rules.py lists them)")
    return faults


# --- symbols


def nm(path, *options):
    """[(symbol, kind)] of an object or shared object."""
    lines = subprocess.run(["nm", "-P", *options, str(path)], capture_output=True, text=True, check=True).stdout
    return [(parts[0].split("@")[0], parts[1]) for parts in map(str.split, lines.splitlines()) if len(parts) > 1]


def shared_object(name):
    """The file behind -lNAME; a development link may be a linker script, then the versioned file beside it."""
    path = subprocess.run(["cc", f"-print-file-name=lib{name}.so"], capture_output=True, text=True).stdout.strip()
    for candidate in [Path(path), *sorted(Path(path).parent.glob(f"lib{name}.so.[0-9]*"))]:
        if candidate.is_file() and candidate.read_bytes()[:4] == b"\x7fELF":
            return candidate
    return None


@lru_cache(maxsize=None)
def library_symbols():
    """symbol -> library, for the C library ("libc") and all of LIBRARIES that are installed."""
    owner = {}
    for library, (_, modules) in LIBRARIES.items():
        for module in modules:
            flags = module
            if not module.startswith("-l"):
                flags = subprocess.run(["pkg-config", "--libs-only-l", module], capture_output=True, text=True).stdout
            for flag in flags.split():
                path = shared_object(flag[2:])
                for symbol, _kind in nm(path, "-D", "--defined-only") if path else []:
                    owner.setdefault(symbol, library)
    for name in ("c", "m"):  # last, so that what both have counts as the C library's
        path = Path(subprocess.run(["cc", f"-print-file-name=lib{name}.so.6"], capture_output=True, text=True).stdout.strip())
        owner.update((symbol, "libc") for symbol, _kind in nm(path, "-D", "--defined-only"))
    return owner


def objects(build):
    """object file -> source it was made from, as a path in the project. Of several the newest: waf numbers objects by
    their place in the build and leaves the old ones lying, as it does those of deleted sources."""
    newest = {}
    for path in sorted(Path(build).rglob("*.o"), key=lambda path: path.stat().st_mtime):
        source = re.sub(r"\.\d+\.o$", "", str(path.relative_to(build)))
        if not source.startswith("tests/") and ((TOP / source).exists() or (Path(build) / source).exists()) \
                and not PurePosixPath(source).name.startswith("test_"):
            newest[source] = path
    return {path: source for source, path in sorted(newest.items())}


def definitions(sources):
    """symbol -> the sources that define it, of all external symbols; two programs may each have their own."""
    found = {}
    for path, source in sources.items():
        for symbol, _kind in nm(path, "--defined-only", "-g"):
            found.setdefault(symbol, []).append(source)
    return found


def symbol_faults(path, source, defined):
    """What is wrong with the undefined symbols of an object or shared object, made from `source`."""
    patterns, libraries = rule_of(source) or ([], [])
    faults = []
    for symbol, _kind in nm(path, "-u"):
        library = library_symbols().get(symbol)
        if symbol in defined:
            if not any(allowed(definer, patterns) for definer in defined[symbol]):
                faults.append(f"{source} uses {symbol} of {' and '.join(defined[symbol])}")
        elif library and library not in ("libc", *libraries):
            faults.append(f"{source} uses {symbol} of {library}")
        elif not library and not symbol.startswith("_"):  # _: the compiler's own
            faults.append(f"{source} uses {symbol}, which no known library has (rules.py lists them)")
    return faults
