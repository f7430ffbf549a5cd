# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback's build. Each folder has a wscript with its own part."""
import os

from waflib import Context, Errors, Logs

APPNAME = "foldback"
VERSION = "0.1.0"
top = "."
out = "build"

FOLDERS = ["graph", "nodes", "metrics", "osc", "storage", "server", "clients", "presets", "tests"]

# name in the code, pkg-config name, oldest version tried
PACKAGES = [
    ("JACK", "jack", "1.9.12"),
    ("LO", "liblo", "0.30"),
    ("FFTW", "fftw3f", "3.3"),
    ("FFTWD", "fftw3", "3.3"),
    ("EBUR128", "libebur128", "1.2.4"),
    ("SQLITE", "sqlite3", "3.24"),
    ("JANSSON", "jansson", "2.12"),
    ("CURL", "libcurl", "7.60"),
    ("LWS", "libwebsockets", "4.0"),
    ("SNDFILE", "sndfile", "1.0.28"),
    ("SAMPLERATE", "samplerate", "0.1.9"),
    ("NLOPT", "nlopt", "2.6"),
    ("CRYPTO", "libcrypto", "1.1.1"),
    ("ZLIB", "zlib", "1.2"),
]

WARNINGS = (
    "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
    "-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wno-format-truncation -Werror"
).split()


def options(opt):
    opt.load("compiler_c gnu_dirs")
    opt.add_option("--sanitize", default="", help="build with sanitizers: address,undefined or thread")
    opt.add_option("--debug", action="store_true", default=False, help="no optimisation, thread assertions on")


def configure(conf):
    conf.load("compiler_c gnu_dirs")
    conf.check_cc(cflags="-std=c11", msg="Checking for C11", mandatory=True)
    for name, package, version in PACKAGES:
        conf.check_cfg(package=package, uselib_store=name, args=[f"{package} >= {version}", "--cflags", "--libs"],
                       msg=f"Checking for {package} >= {version}")
    conf.check_cfg(package="cmocka", uselib_store="CMOCKA", args=["--cflags", "--libs"], mandatory=False)
    conf.check_cfg(package="libseccomp", uselib_store="SECCOMP", args=["--cflags", "--libs"], mandatory=False)
    # FFTW's planner is shared by nodes and analysers on several threads: its own lock is in this library.
    conf.check_cc(lib="fftw3f_threads", uselib_store="FFTW_THREADS", use="FFTW", msg="Checking for fftw3f_threads")
    conf.check_cc(lib="m", uselib_store="M")
    conf.check_cc(lib="dl", uselib_store="DL")
    conf.check_cc(lib="pthread", uselib_store="PTHREAD")
    # -ffp-contract=off: the same bits on every machine and at every vector width.
    conf.env.append_value("CFLAGS", ["-std=c11", "-g", "-fvisibility=hidden", "-fno-math-errno",
                                     "-ffp-contract=off", "-D_GNU_SOURCE"] + WARNINGS)
    conf.env.append_value("LINKFLAGS", ["-Wl,--as-needed"])
    conf.env.append_value("DEFINES", [f'FB_VERSION="{VERSION}"'])
    sanitize = conf.options.sanitize
    if sanitize:
        conf.env.append_value("CFLAGS", [f"-fsanitize={sanitize}", "-fno-omit-frame-pointer", "-O1"])
        conf.env.append_value("LINKFLAGS", [f"-fsanitize={sanitize}"])
    elif conf.options.debug:
        conf.env.append_value("CFLAGS", ["-O0"])
    else:
        conf.env.append_value("CFLAGS", ["-O3", "-fno-trapping-math"])
    conf.env.DEBUG = bool(sanitize or conf.options.debug)
    if conf.env.DEBUG:
        conf.env.append_value("DEFINES", ["FB_DEBUG=1"])
    conf.define_cond("FB_SANITIZED", bool(sanitize))
    conf.env.NODEDIR = os.path.join(conf.env.LIBDIR, "foldback", "nodes")
    conf.env.append_value("DEFINES", [f'FB_NODE_DIR="{conf.env.NODEDIR}"',
                                      f'FB_DATA_DIR="{os.path.join(conf.env.DATADIR, "foldback")}"'])


def build(bld):
    for folder in FOLDERS:
        if bld.path.ant_glob(folder + "/**/*.c"):
            bld.recurse(folder)


def run_tests(ctx, *args):
    """pytest runs the C tests in build/tests and the sessions in tests/ alike."""
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
    code = ctx.exec_command([python, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                             os.path.join(ctx.path.abspath(), "tests"), *args], stdout=None, stderr=None)
    if code:
        raise Errors.WafError("tests failed")


class TestContext(Context.Context):
    """builds nothing: run ./waf first"""
    cmd = "test"
    fun = "test"


def test(ctx):
    run_tests(ctx)


class BenchContext(Context.Context):
    """speed and memory, as ratios against a peer or a limit in the same run"""
    cmd = "bench"
    fun = "bench"


def bench(ctx):
    Logs.info("bench: see tests/bench")
    code = ctx.exec_command(["/usr/bin/python3", os.path.join(ctx.path.abspath(), "tests", "bench", "run.py")],
                            stdout=None, stderr=None)
    if code:
        raise Errors.WafError("bench failed")
