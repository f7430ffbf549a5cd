# SPDX-License-Identifier: GPL-3.0-or-later
"""foldback's build. Each folder has a wscript with its own part."""
import os
import re
import subprocess

from waflib import Build, Configure, Context, Errors, Logs, Scripting

APPNAME = "foldback"
VERSION = "0.1.0"
top = "."
out = "build"

Configure.autoconfig = "clobber"  # a changed wscript configures anew, with the options of last time

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
    ("AVAHI", "avahi-client", "0.7"),
]

WARNINGS = (
    "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes "
    "-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Werror"
).split()


def options(opt):
    opt.load("compiler_c gnu_dirs")
    opt.add_option("--sanitize", default="", help="build with sanitizers: address,undefined or thread; "
                   "with clang also fuzzer-no-link,address,undefined")
    opt.add_option("--debug", action="store_true", default=False, help="no optimisation, thread assertions on")
    opt.add_option("--fast", action="store_true", default=False, help="test: leave out slow tests")
    opt.add_option("--long", action="store_true", default=False, help="test: add those that take minutes")
    opt.add_option("--only", default="", metavar="EXPR",
                   help="test: only tests that match (pytest -k); bench: only this part (tests/bench/run.py)")
    opt.add_option("--json", default="", metavar="FILE", help="bench: write all figures there")
    opt.add_option("--markdown", default="", metavar="FILE", help="bench: renew the tables of this page")
    opt.add_option("--plot", default="", metavar="FILE", help="bench: draw what the stations cost")


def configure(conf):
    # gnu_dirs would choose lib64 on some Debian systems, where pkg-config does not look.
    conf.options.LIBDIR = conf.options.LIBDIR or "${EXEC_PREFIX}/lib"
    conf.load("compiler_c gnu_dirs")
    conf.check_cc(cflags="-std=c11", msg="Checking for C11", mandatory=True)
    for name, package, version in PACKAGES:
        conf.check_cfg(package=package, uselib_store=name, args=[f"{package} >= {version}", "--cflags", "--libs"],
                       msg=f"Checking for {package} >= {version}")
    conf.check_cfg(package="cmocka", uselib_store="CMOCKA", args=["--cflags", "--libs"], mandatory=False)
    conf.check_cfg(package="libseccomp", uselib_store="SECCOMP", args=["--cflags", "--libs"], mandatory=False)
    # foldback-stt is built where there is a recogniser; nothing else needs one.
    if conf.check_cfg(package="pocketsphinx sphinxbase", uselib_store="POCKETSPHINX", args=["--cflags", "--libs"],
                      msg="Checking for pocketsphinx (foldback-stt)", mandatory=False) is not None:
        conf.check_cfg(package="pocketsphinx", variables=["modeldir"], uselib_store="SPEECH", msg="Checking for its models")
        conf.env.append_value("DEFINES_POCKETSPHINX", f'FB_SPEECH_MODEL="{conf.env.SPEECH_modeldir}"')
    # FFTW's planner is shared by nodes and analysers on several threads: its own lock is in this library.
    conf.check_cc(lib="fftw3f_threads", uselib_store="FFTW_THREADS", use="FFTW", msg="Checking for fftw3f_threads")
    conf.check_cc(lib="m", uselib_store="M")
    conf.check_cc(lib="dl", uselib_store="DL")
    conf.check_cc(lib="pthread", uselib_store="PTHREAD")
    # -ffp-contract=off: the same bits on every machine and at every vector width.
    conf.env.append_value("CFLAGS", ["-std=c11", "-g", "-fvisibility=hidden", "-fno-math-errno",
                                     "-ffp-contract=off", "-D_GNU_SOURCE"] + WARNINGS)
    if conf.env.CC_NAME == "gcc":  # snprintf cuts texts on purpose
        conf.env.append_value("CFLAGS", ["-Wno-format-truncation"])
    else:  # clang takes enums for unsigned; gcc looks after signs
        conf.env.append_value("CFLAGS", ["-Wno-sign-conversion"])
    # -z now: every call is bound at the start, so that the audio thread never runs the dynamic linker.
    conf.env.append_value("LINKFLAGS", ["-Wl,--as-needed", "-Wl,-z,now"])
    conf.env.append_value("DEFINES", [f'FB_VERSION="{VERSION}"'])
    sanitize = conf.options.sanitize
    if sanitize:
        conf.env.append_value("CFLAGS", [f"-fsanitize={sanitize}", "-fno-sanitize-recover=all",
                                         "-fno-omit-frame-pointer", "-O1"])
        if conf.env.CC_NAME == "gcc":  # it errs there; the plain build has it on
            conf.env.append_value("CFLAGS", ["-Wno-maybe-uninitialized"])
        conf.env.append_value("LINKFLAGS", [f"-fsanitize={sanitize}"])
    elif conf.options.debug:
        conf.env.append_value("CFLAGS", ["-O0"])
    else:
        conf.env.append_value("CFLAGS", ["-O3", "-fno-trapping-math"])
    conf.env.SANITIZE = sanitize
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
    # What a node author builds against, and where patches are found.
    bld(features="subst", source="foldback.pc.in", target="foldback.pc", install_path="${LIBDIR}/pkgconfig",
        VERSION=VERSION)
    presets = bld.path.find_dir("presets")
    if presets:
        bld.install_files("${DATADIR}/foldback/presets", presets.ant_glob("**/*.json"), cwd=presets, relative_trick=True)


def python_with(module):
    """Debian's pytest belongs to Debian's Python, which need not be the first one on the PATH."""
    for python in ("/usr/bin/python3", "python3"):
        try:
            if subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode == 0:
                return python
        except FileNotFoundError:
            pass
    raise Errors.WafError(f"no Python with {module}: install python3-{module}")


def run(command, failure, **env):
    if subprocess.run(command, env=dict(os.environ, **env)).returncode:
        raise Errors.WafError(failure)


class TestContext(Build.BuildContext):
    """builds what changed, then runs the tests (pytest)"""
    cmd = "test"

    def execute(self):
        super().execute()
        opt = Scripting.Options.options
        run([python_with("pytest"), "-m", "pytest", "-q", os.path.join(self.top_dir, "tests")]
            + ["--fast"] * opt.fast + ["--long"] * opt.long + (["-k", opt.only] if opt.only else []),
            "tests failed", FB_BUILD=self.out_dir)


class BenchContext(Build.BuildContext):
    """builds what changed, then measures speed and memory, as ratios against a peer or a limit in the same run"""
    cmd = "bench"

    def execute_build(self):  # not execute(): that starts anew after configuring by itself
        program = os.path.join(self.top_dir, "tests", "bench", "run.py")
        if not os.path.exists(program):
            raise Errors.WafError("there is no benchmark yet: tests/bench/run.py is missing")
        super().execute_build()
        opt = Scripting.Options.options
        options = [f"--{name}={getattr(opt, name)}" for name in ("only", "json", "markdown", "plot") if getattr(opt, name)]
        run([python_with("liblo"), program] + options, "bench failed", FB_BUILD=self.out_dir)


class FormatContext(Context.Context):
    """runs clang-format over the C files"""
    cmd = "format"
    fun = "format"


def format(ctx):
    top_dir = ctx.path.abspath()
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"], cwd=top_dir,
                           capture_output=True, text=True, check=True).stdout.split()
    files = [name for name in names if os.path.exists(os.path.join(top_dir, name))]
    wrong = subprocess.run(["xargs", "-P", str(os.cpu_count()), "-n", "8", "clang-format", "--dry-run"], cwd=top_dir,
                           input="\n".join(files), capture_output=True, text=True).stderr
    changed = sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning:", wrong, re.M)))
    if changed:
        subprocess.run(["clang-format", "-i", *changed], cwd=top_dir, check=True)
    Logs.info(f"{len(files)} files, {len(changed)} changed: {' '.join(changed)}")
