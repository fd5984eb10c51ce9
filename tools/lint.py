#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What no test finds: formatting, static analysis, the order of the layers, what every file has.

Looks at every file that git tracks or would track. All checks are run; the exit status is 1 if one
of them found something.

lint.py BUILD [CHECK...]    BUILD: a configured and built directory, for compile_commands.json

All checks but tidy-deep, which takes minutes: there clang's analyzer follows every path that it would
by itself, in tidy a third of them.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0))

# Files that cannot carry a comment, or say the licence themselves.
NO_SPDX = {"LICENSE", ".clang-format-ignore", "packaging/debian/changelog",
           "packaging/debian/source/format"}
NO_SPDX_FOLDERS = ("tests/fuzz/corpus/",)


def tracked():
    listed = subprocess.check_output(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], cwd=ROOT, text=True)
    return sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file())


FILES = tracked()
C_FILES = [name for name in FILES if name.endswith((".c", ".h"))]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def run(*argv):
    """What a tool printed if it is not content, else an empty list."""
    ended = subprocess.run(argv, cwd=ROOT, text=True, check=False, errors="replace",
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if ended.returncode == 0:
        return []
    return ended.stdout.splitlines() or [f"{argv[0]} ended with {ended.returncode}"]


def run_each(command, names):
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        outputs = list(pool.map(lambda name: run(*command, name), names))
    return [line for output in outputs for line in output]


def check_format(_):
    return run("clang-format", "--dry-run", "-Werror", *C_FILES)


def compiled(build):
    """The files of ours in compile_commands.json, as git names them."""
    commands = json.loads((build / "compile_commands.json").read_text())
    paths = {(pathlib.Path(one["directory"]) / one["file"]).resolve() for one in commands}
    return {str(path.relative_to(ROOT)) for path in paths if path.is_relative_to(ROOT)}


def check_built(build):
    """A source that no meson.build names is neither compiled nor analysed nor tested."""
    apart = ("bpf/", "tests/fuzz/")  # other compilers: bpf/ has its own target, fuzz its own build
    meson = "".join(text_of(name) for name in FILES if name.startswith("tests/fuzz/meson"))
    built = compiled(build)
    for name in FILES:
        path = pathlib.Path(name)
        if path.suffix == ".c" and not name.startswith(apart) and name not in built:
            yield f"{name}: not built by {path.parent}/meson.build"
        if name.startswith("tests/fuzz/") and path.suffix == ".c" and f"'{path.stem}'" not in meson:
            yield f"{name}: not built by tests/fuzz/meson.build"


# What clang's analyzer has in its shallow mode, against 225,000; all else is as in its deep one.
SHALLOW = [f"--extra-arg={word}"
           for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=75000")]


def check_tidy_deep(build, options=()):
    names = sorted(name for name in compiled(build) if name in FILES)
    return run_each(["clang-tidy", "--quiet", "-p", str(build), *options], names)


def check_tidy(build):
    return check_tidy_deep(build, SHALLOW)


def check_cppcheck(build):
    # Macros of libraries that it would need the headers for.
    macros = ["-DLIBBPF_OPTS(TYPE,NAME,...)=struct TYPE NAME = {0}"]
    folder = build / "cppcheck"
    folder.mkdir(exist_ok=True)
    # Without the skeleton of the kernel half: a generated header whose bytes take it minutes to read.
    commands = (build / "compile_commands.json").read_text(encoding="utf-8")
    project = folder / "compile_commands.json"
    project.write_text(commands.replace(" -Ibpf ", " "), encoding="utf-8")
    return run(
        "cppcheck", f"--project={project}", f"--cppcheck-build-dir={folder}",
        "--enable=warning,performance,portability", "--error-exitcode=1", "--inline-suppr",
        "--suppressions-list=tools/cppcheck-suppressions", "--quiet", f"-j{CORES}",
        "--template={file}:{line}: {severity}: {message} [{id}]", *macros,
    )


def check_layers(_):
    return run(sys.executable, "tools/layers.py")


def check_spdx(_):
    for name in FILES:
        if name in NO_SPDX or name.startswith(NO_SPDX_FOLDERS):
            continue
        head = text_of(name)[:1000]
        if "SPDX-License-Identifier: " not in head:
            yield f"{name}: no SPDX-License-Identifier line"
        elif name.startswith("bpf/") and name.endswith((".c", ".h")) \
                and "MIT OR GPL-2.0-only" not in head:
            yield f"{name}: the kernel half is MIT OR GPL-2.0-only"


def check_paths(_):
    """Where this tree happens to lie, or somebody's home, says nothing to anybody else."""
    places = [str(ROOT)]
    if pathlib.Path.home().parent != pathlib.Path("/"):
        places.append(str(pathlib.Path.home()))
    pattern = re.compile("|".join(re.escape(place) + r"(?![\w.-])" for place in places))
    for name in FILES:
        for number, line in enumerate(text_of(name).splitlines(), 1):
            if pattern.search(line):
                yield f"{name}:{number}: a path of the build machine: {line.strip()}"


def check_whitespace(_):
    for name in FILES:
        if name.startswith(NO_SPDX_FOLDERS):
            continue
        text = text_of(name)
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{name}:{number}: white space at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"


def check_shell(_):
    scripts = [name for name in FILES
               if name.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", text_of(name)[:80])]
    if not shutil.which("shellcheck"):
        return ["shellcheck is not installed (make deps)"]
    return run("shellcheck", *scripts)


def check_python(_):
    scripts = [name for name in FILES
               if name.endswith(".py") or re.match(r"#!.*\bpython3?\b", text_of(name)[:80])]
    python = next((path for path in ("/usr/bin/python3", sys.executable)
                   if os.path.exists(path) and not run(path, "-c", "import pyflakes")), None)
    if not python:
        return ["pyflakes is not installed (make deps)"]
    return run(python, "-m", "pyflakes", *scripts)


def check_manuals(_):
    pages = [name for name in FILES if re.search(r"^doc/.*\.[1-8]$", name)]
    # Warnings about style are a matter of taste; an unsupported or broken macro is not.
    return run("mandoc", "-T", "lint", "-W", "warning", *pages) if pages else []


CHECKS = {
    "format": check_format,
    "spdx": check_spdx,
    "paths": check_paths,
    "whitespace": check_whitespace,
    "layers": check_layers,
    "built": check_built,
    "shell": check_shell,
    "python": check_python,
    "manuals": check_manuals,
    "cppcheck": check_cppcheck,
    "tidy": check_tidy,
    "tidy-deep": check_tidy_deep,
}


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= CHECKS.keys():
        print(f"Usage: lint.py BUILD [{'|'.join(CHECKS)}]...", file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1]).resolve()
    bad = 0
    for name in sys.argv[2:] or [name for name in CHECKS if name != "tidy-deep"]:
        started = time.monotonic()
        found = list(CHECKS[name](build))
        print("\n".join(found), end="\n" if found else "")
        print(f"lint: {name}: {'found something' if found else 'ok'}"
              f" ({time.monotonic() - started:.0f} s)", flush=True)
        bad += bool(found)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
