#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py OUTPUT NAME=FILE...: C source with each FILE as `const char NAME[]`, NUL-terminated.

Each FILE is a varlink interface definition (https://varlink.org/Interface-Definition), which is
parsed first: a server must not hand out a definition that no client can read."""

import pathlib
import re
import sys

WIDTH = 16

BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*\n)*")
TOKEN = re.compile(r"->|[\[\](),:?]|[A-Za-z][A-Za-z0-9_.-]*")
INTERFACE = re.compile(r"[A-Za-z](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+")
MEMBER = re.compile(r"[A-Z][A-Za-z0-9]*")
FIELD = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
BASIC = {"bool", "int", "float", "string", "object"}


class Definition:
    """A definition, parsed by recursive descent; SystemExit with FILE:LINE where it is wrong."""

    def __init__(self, path, text):
        self.path, self.text, self.at = path, text, 0
        self.declared, self.used = set(), set()
        self.interface()

    def fail(self, expected):
        line = self.text.count("\n", 0, self.at) + 1
        sys.exit(f"{self.path}:{line}: error: expected {expected}")

    def peek(self):
        self.at = BLANK.match(self.text, self.at).end()
        match = TOKEN.match(self.text, self.at)
        return match.group() if match else ""

    def take(self, pattern, expected):
        token = self.peek()
        if not (pattern.fullmatch(token) if isinstance(pattern, re.Pattern) else token == pattern):
            self.fail(expected)
        self.at += len(token)
        return token

    def accept(self, token):
        found = self.peek() == token
        if found:
            self.at += len(token)
        return found

    def interface(self):
        self.take("interface", "'interface'")
        self.take(INTERFACE, "an interface's name, such as org.example.name")
        while self.at < len(self.text) and self.peek():
            self.member()
        if self.at < len(self.text):
            self.fail("'type', 'method' or 'error'")
        if self.used - self.declared:
            self.fail(f"a declaration of type {min(self.used - self.declared)}")

    def member(self):
        keyword = self.take(re.compile("type|method|error"), "'type', 'method' or 'error'")
        name = self.take(MEMBER, "a name that begins with a capital")
        if name in self.declared:
            self.fail(f"another name than {name}, which is declared already")
        self.declared.add(name)
        if keyword == "method":
            self.fields(enum=False)
            self.take("->", "'->'")
            self.fields(enum=False)
        elif keyword == "type" or self.peek() == "(":
            self.fields(enum=keyword == "type")

    def fields(self, enum):
        """A struct; where it has names alone and @enum allows it, an enumeration."""
        seen, typed = set(), None
        self.take("(", "'('")
        while not self.accept(")"):
            if seen:
                self.take(",", "',' or ')'")
            name = self.take(FIELD, "a field's name")
            if name in seen:
                self.fail(f"another field than {name}, which is there already")
            seen.add(name)
            if typed is None:
                typed = not enum or self.peek() == ":"
            if typed:
                self.take(":", "':'")
                self.type()

    def type(self):
        self.accept("?")
        while self.accept("["):
            self.accept("string")
            self.take("]", "']'")
            self.accept("?")
        if self.peek() == "(":
            self.fields(enum=True)
        elif self.peek() in BASIC:
            self.at += len(self.peek())
        else:
            self.used.add(self.take(MEMBER, "a type"))


def array(name, data):
    rows = (data[i : i + WIDTH] for i in range(0, len(data), WIDTH))
    body = "\n".join("\t" + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return f"const char {name}[] = {{\n{body}\n}};\n"


def main(output, *pairs):
    parts = ['#include "control/interface.h"\n']
    for name, path in (pair.split("=", 1) for pair in pairs):
        text = pathlib.Path(path).read_text(encoding="ascii")
        Definition(path, text)
        parts.append(array(name, text.encode("ascii") + b"\0"))
    pathlib.Path(output).write_text("\n".join(parts), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
