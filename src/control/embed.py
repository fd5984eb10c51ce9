#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py OUTPUT NAME=FILE...: C source with each FILE as `const char NAME[]`, NUL-terminated."""

import pathlib
import sys

WIDTH = 16


def array(name, data):
    rows = (data[i : i + WIDTH] for i in range(0, len(data), WIDTH))
    body = "\n".join("\t" + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return f"const char {name}[] = {{\n{body}\n}};\n"


def main(output, *pairs):
    parts = ['#include "control/interface.h"\n']
    for name, path in (pair.split("=", 1) for pair in pairs):
        text = pathlib.Path(path).read_text(encoding="ascii")
        parts.append(array(name, text.encode("ascii") + b"\0"))
    pathlib.Path(output).write_text("\n".join(parts), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
