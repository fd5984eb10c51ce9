#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every #include to the order of the layers: a folder may include itself and what is listed
for it, nothing else of ours. Exit status 1 and one line a breach."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Folder: the folders it may include. The lowest come first.
LAYERS = {
    "bpf": [],
    "src/base": [],
    "src/policy": ["bpf", "src/base"],
    "src/vouch": ["bpf", "src/base"],
    "src/kernel": ["bpf", "src/base", "src/policy"],
    "src/control": ["src/base"],
    "include/portcred": [],
    "src/libportcred": ["include/portcred", "bpf", "src/base", "src/control"],
    "src/portcredd": ["bpf", "src/base", "src/policy", "src/vouch", "src/kernel", "src/control"],
    "src/portcred": ["include/portcred", "bpf", "src/base", "src/policy", "src/vouch", "src/kernel",
                     "src/control", "src/libportcred"],
    "src/rcmd": ["include/portcred", "bpf", "src/base"],
    "src/rcmdd": ["include/portcred", "src/base", "src/control", "src/libportcred", "src/rcmd"],
    "src/rsh": ["include/portcred", "src/base", "src/rcmd"],
    "src/rcp": ["src/base"],
    "src/nfsgate": ["include/portcred", "src/base", "src/policy", "src/control", "src/libportcred"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def folder_of(include, includer):
    """The folder of ours that an include names, None for anything generated or foreign."""
    for base in (includer.parent, ROOT / "src", ROOT):
        path = (base / include).resolve()
        if path.is_file() and ROOT in path.parents:
            return str(path.parent.relative_to(ROOT))
    return None


def breaches():
    for folder, allowed in LAYERS.items():
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                target = match and folder_of(match.group(1), path)
                if target and target != folder and target not in allowed:
                    yield f"{path.relative_to(ROOT)}:{number}: {folder} may not include {target}"


if __name__ == "__main__":
    found = list(breaches())
    print("\n".join(found) if found else "layers: every include keeps the order")
    sys.exit(bool(found))
