#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Removes what `meson install` put there, and the directories that are empty then.

uninstall.py BUILD [--destdir DIR]

What is below the directory of configuration stays if it was edited: a policy is its owner's. One
that is in force stays so, and is told of.
"""

import argparse
import json
import pathlib
import subprocess

# Where portcredd keeps what outlives it, and these programs.
PINS = pathlib.Path("/sys/fs/bpf/portcred")


def introspect(build, what):
    return json.loads(subprocess.check_output(["meson", "introspect", f"--{what}", build]))


def same(installed, source):
    try:
        return installed.read_bytes() == source.read_bytes()
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--destdir", default="")
    arguments = parser.parse_args()

    options = {option["name"]: option["value"]
               for option in introspect(arguments.build, "buildoptions")}
    prefix = pathlib.Path(options["prefix"])
    configuration = prefix / options["sysconfdir"]
    folders = {pathlib.Path(f"{arguments.destdir}{configuration}/portcred")}
    for source, place in introspect(arguments.build, "installed").items():
        installed = pathlib.Path(arguments.destdir + place)
        folders |= {pathlib.Path(f"{arguments.destdir}{folder}")
                    for folder in pathlib.Path(place).parents if "portcred" in folder.parts}
        if not installed.exists() and not installed.is_symlink():
            continue
        edited = configuration in pathlib.Path(place).parents \
            and not same(installed, pathlib.Path(source))
        if edited:
            print(f"Kept {installed}: it was edited")
            continue
        installed.unlink()
        print(f"Removed {installed}")
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            print(f"Removed {folder}")
    if not arguments.destdir and PINS.is_dir():
        print(f"A policy is still in force ({PINS}). To take it out, as root: "
              f"{arguments.build}/portcredd --release")


if __name__ == "__main__":
    main()
