#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the parser to doc/policy.ebnf: usage: policy_grammar.py PARSER EBNF [SEED [COUNT]]

Sentences are generated from the grammar, and the parser (policy_grammar.c) must find no fault in
their form. Then they are spoiled: a word dropped, doubled, swapped, replaced, put in quotes, a
character changed. A recogniser made of the same grammar says whether what came out is a sentence
still, and the parser must say the same.

It would catch: a form that the grammar promises and the parser does not know, or refuses in some
order or spelling; and one that the parser lets pass and the grammar does not.
"""

import collections
import ipaddress
import random
import re
import subprocess
import sys

# Errors about what a well-formed statement says, not about its form. All others are about the form.
MEANING = re.compile("|".join([
    r"^unknown service ", r"^service .* has ",
    r" is too large, expected 1 to 65535$", r" is backwards, expected ", r"^port 0 is ",
    r", expected '/tcp' or '/udp' behind each or behind none$",
    r" is about tcp connections, ", r"^udp cannot be redirected",
    r" twice in one principal, ", r"^'root' and 'user' in one principal", r"^'exe' alone, ",
    r" out of range, expected ", r"^user 0 in the shared ids, ",
    r" is a slice, ", r"^unit name of \d+ bytes, ", r"^path of \d+ bytes, ",
    r" has bits set behind its prefix, ", r" is wider than IPv4, ", r" is too long for IPv",
    r"^more than 64 addresses ", r"^more than 64 ranges ",
    r"^'users named' needs ask", r"^more than 2 keys ", r"^key twice ",
    r"^name of a host of \d+ bytes, ",
]))

# ---- The notation: a grammar as nested tuples.

TOKEN = re.compile(r"""\s+ | \(\*.*?\*\) | (?P<string>"[^"]*" | '[^']*') | (?P<special>\?[^?]*\?)
                     | (?P<name>[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+)*) | (?P<number>\d+)
                     | (?P<mark>[=,|;(){}\[\]*-])""", re.X | re.S)


def read_tokens(text):
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            sys.exit(f"policy.ebnf: cannot read {text[position:position + 40]!r}")
        position = match.end()
        if match.lastgroup:
            yield match.lastgroup, match.group()
    yield "end", ""


class Reader:
    """ISO/IEC 14977, as much of it as the grammar uses."""

    CLOSING = {"(": ")", "[": "]", "{": "}"}

    def __init__(self, text):
        self.tokens = list(read_tokens(text))
        self.position = 0

    def take(self, value=None):
        kind, text = self.tokens[self.position]
        if value is not None and text != value:
            sys.exit(f"policy.ebnf: expected {value!r}, found {text!r}")
        self.position += 1
        return kind, text

    def at(self, value):
        return self.tokens[self.position][1] == value

    def grammar(self):
        rules = {}
        while self.tokens[self.position][0] != "end":
            name = self.take()[1]
            self.take("=")
            rules[name] = self.choice()
            self.take(";")
        return rules

    def several(self, mark, part, kind):
        parts = [part()]
        while self.at(mark):
            self.take(mark)
            parts.append(part())
        return parts[0] if len(parts) == 1 else (kind, *parts)

    def choice(self):
        return self.several("|", self.sequence, "choice")

    def sequence(self):
        return self.several(",", self.term, "sequence")

    def term(self):
        factor = self.factor()
        if self.at("-"):
            self.take("-")
            return ("except", factor, self.factor())
        return factor

    def factor(self):
        if self.tokens[self.position][0] == "number":
            count = int(self.take()[1])
            self.take("*")
            return ("times", count, self.primary())
        return self.primary()

    def primary(self):
        kind, text = self.take()
        if text in self.CLOSING:
            inside = self.choice()
            self.take(self.CLOSING[text])
            return {"(": inside, "[": ("optional", inside), "{": ("repeat", inside)}[text]
        if kind == "string":
            return ("literal", text[1:-1])
        if kind == "special":
            return ("special", text[1:-1].strip())
        if kind == "name":
            return ("rule", text)
        return sys.exit(f"policy.ebnf: unexpected {text!r}")


# ---- Words: rules in capitals.

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ADDRESSES = ["127.0.0.0", "10.1.2.3", "0.0.0.0", "::", "::1", "fd00::11", "2001:db8::",
             "::ffff:1.2.3.4", "fe80::1:2:3"]
PLAIN = "abcxyzABC0123456789.-_"
ODD = "@:%/*+=\\\u00e4\u20ac\U0001f600 ,\"#~!$&'()<>?[]^`{|}"


def is_ip(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.version == 4 or "%" not in text


# Special sequences: what makes a random one, and a regular expression (or a test, for `IP`).
SPECIAL = {
    "an IPv4 or IPv6 address as inet_pton(3) reads it":
        (lambda r: r.choice(ADDRESSES), r"[0-9A-Fa-f:.]+"),
    "one of A-Z a-z 0-9 + /": (lambda r: r.choice(LETTERS), r"[A-Za-z0-9+/]"),
    "one of A E I M Q U Y c g k o s w 0 4 8":
        (lambda r: r.choice("AEIMQUYcgkosw048"), r"[AEIMQUYcgkosw048]"),
    "any printable character, the space included":
        (lambda r: r.choice(PLAIN if r.random() < 0.97 else ODD), r"[^\x00-\x1f\x7f]"),
}
# Random services are all unknown: these are in the made-up database.
SERVICES = ["http", "https", "domain", "9pfs", "split", "postgresql", "domain-s"]
# Random numbers are mostly beyond all limits.
NUMBERS = ["0", "1", "22", "80", "443", "1023", "8080", "60000", "65535"]


class Grammar:
    def __init__(self, text, random_numbers):
        self.rules = Reader(text).grammar()
        self.random = random_numbers
        self.used = collections.Counter()
        self.words = {name: re.compile(self.expression(self.rules[name]) + r"\Z")
                      for name in self.rules if self.is_word(name)}
        self.address = self.words["ADDRESS"]
        self.keywords = sorted(set(self.literals()))

    @staticmethod
    def is_word(name):
        return name == name.upper()

    def literals(self):
        def walk(node):
            if node[0] == "literal":
                yield node[1]
            for part in node[1:]:
                if isinstance(part, tuple):
                    yield from walk(part)
        for name, rule in self.rules.items():
            if not self.is_word(name):
                yield from (word for word in walk(rule) if word != ",")

    def expression(self, node):
        """A rule in capitals as a regular expression: it never refers to itself."""
        kind, *parts = node
        if kind == "literal":
            return re.escape(parts[0])
        if kind == "special":
            return SPECIAL[parts[0]][1]
        if kind == "rule":
            return "(?:" + self.expression(self.rules[parts[0]]) + ")"
        if kind == "choice":
            return "(?:" + "|".join(map(self.expression, parts)) + ")"
        if kind == "sequence":
            return "".join(map(self.expression, parts))
        if kind == "times":
            return "(?:" + self.expression(parts[1]) + "){%d}" % parts[0]
        if kind in ("optional", "repeat"):
            return "(?:" + self.expression(parts[0]) + (")?" if kind == "optional" else ")*")
        if parts[0][0] == "rule" and len(self.one_character(parts[0])) == 1:
            return "(?!" + self.expression(parts[1]) + ")" + self.expression(parts[0])
        # Of whole words, or up to the '/' of a port.
        return "(?!" + self.expression(parts[1]) + r"(?:\Z|/))" + self.expression(parts[0])

    def one_character(self, node):
        """A word for CHARACTER and what is made of it alone, longer for all else."""
        while node[0] == "rule":
            node = self.rules[node[1]]
        return "x" if node[0] == "special" else "xx"

    def matches(self, name, text):
        if not self.words[name].match(text):
            return False
        return name != "ADDRESS" or is_ip(text.split("/")[0])

    # ---- Sentences. A token is (text, quoted).

    def word(self, node):
        """Random characters of a rule in capitals."""
        kind, *parts = node
        r = self.random
        if kind == "literal":
            return parts[0]
        if kind == "special":
            return SPECIAL[parts[0]][0](r)
        if kind == "rule":
            self.used[parts[0]] += 1
            if parts[0] == "SERVICE" and r.random() < 0.8:
                return r.choice(SERVICES)
            if parts[0] == "NUMBER" and r.random() < 0.9:
                return r.choice(NUMBERS)
            return self.word(self.rules[parts[0]])
        if kind == "choice":
            return self.word(r.choice(parts))
        if kind == "sequence":
            return "".join(map(self.word, parts))
        if kind == "times":
            return "".join(self.word(parts[1]) for _ in range(parts[0]))
        if kind == "optional":
            return self.word(parts[0]) if r.random() < 0.5 else ""
        if kind == "repeat":
            return "".join(self.word(parts[0]) for _ in range(r.randrange(8)))
        while True:
            word = self.word(parts[0])
            if not re.match(self.expression(parts[1]) + r"\Z", word):
                return word

    def sentence(self, node):
        """Random tokens of a rule in small letters."""
        kind, *parts = node
        r = self.random
        if kind == "literal":
            self.used[f"{parts[0]!r}"] += 1
            return [(parts[0], False)]
        if kind == "rule":
            self.used[parts[0]] += 1
            if not self.is_word(parts[0]):
                return self.sentence(self.rules[parts[0]])
            word = self.word(self.rules[parts[0]])
            return [(word, must_quote(word) or r.random() < 0.1)]
        if kind == "choice":
            return self.sentence(r.choice(parts))
        if kind == "sequence":
            return [token for part in parts for token in self.sentence(part)]
        if kind == "optional":
            return self.sentence(parts[0]) if r.random() < 0.5 else []
        if kind == "repeat":
            return [token for _ in range(r.choice([0, 0, 1, 2, 4]))
                    for token in self.sentence(parts[0])]
        while True:
            tokens = self.sentence(parts[0])
            if len(tokens) not in self.ends(parts[1], tokens, 0):
                return tokens

    def ends(self, node, tokens, position):
        """Where a rule that begins at a position may end."""
        kind, *parts = node
        if kind == "literal":
            found = position < len(tokens) and tokens[position] == (parts[0], False)
            return {position + 1} if found else set()
        if kind == "rule":
            if not self.is_word(parts[0]):
                return self.ends(self.rules[parts[0]], tokens, position)
            found = (position < len(tokens) and tokens[position] != (",", False)
                     and self.matches(parts[0], tokens[position][0]))
            return {position + 1} if found else set()
        if kind == "choice":
            return set().union(*(self.ends(part, tokens, position) for part in parts))
        if kind == "sequence":
            positions = {position}
            for part in parts:
                positions = set().union(*(self.ends(part, tokens, at) for at in positions))
            return positions
        if kind == "except":
            return (self.ends(parts[0], tokens, position)
                    - self.ends(parts[1], tokens, position))
        found = {position} | self.ends(parts[0], tokens, position)
        while kind == "repeat":
            more = found.union(*(self.ends(parts[0], tokens, at) for at in found))
            if more == found:
                break
            found = more
        return found

    def is_sentence(self, tokens):
        return len(tokens) in self.ends(self.rules["statement"], tokens, 0)


def must_quote(word):
    return not word or word.endswith("\\") or bool(re.search(r'[ \t,"#]', word))


# ---- From tokens to text, and back to wrong ones.

def write(tokens, r):
    """The statement, with blanks, comments and continued lines as it comes."""
    blanks = [" ", " ", " ", "  ", "\t", " \\\n", "\\\n\t", " \\\r\n "]
    text = r.choice(["", "", "", " ", "\t", "\n", "# comment\n"])
    word_before = False
    for word, quoted in tokens:
        is_comma = (word, quoted) == (",", False)
        if not is_comma and word_before or r.random() < 0.1:
            text += r.choice(blanks)
        # A continued line begins with a blank, or its word would go on.
        if text.endswith("\\\n") and word_before:
            text += " "
        if quoted:
            text += '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
        else:
            text += word
        word_before = not is_comma
    return text + r.choice(["\n", "", " # comment", "\r\n", "\t\n\n"])


def spoil(tokens, grammar):
    r = grammar.random
    tokens = list(tokens)
    at = r.randrange(len(tokens))
    other = r.choice([(word, False) for word in grammar.keywords] + [(",", False)] * 4 +
                     [("80", False), ("x", False), ("x@y", False), ("::1", False), ("", True)])
    way = r.randrange(7)
    if way == 0:
        del tokens[at]
    elif way == 1:
        tokens.insert(at, tokens[at])
    elif way == 2:
        to = r.randrange(len(tokens))
        tokens[at], tokens[to] = tokens[to], tokens[at]
    elif way == 3:
        tokens[at] = other
    elif way == 4:
        tokens.insert(at, other)
    elif way == 5:
        tokens[at] = (tokens[at][0], True)
    else:
        word = tokens[at][0]
        cut = r.randrange(len(word) + 1)
        word = word[:cut] + r.choice(["", *PLAIN, *"@/*:"]) + word[cut + r.randrange(2):]
        tokens[at] = (word, tokens[at][1] or must_quote(word))
    return tokens


def errors_of(parser, texts):
    """For each text the errors that the parser says of it."""
    done = subprocess.run([parser], input="\0".join(texts).encode() + b"\0", check=True,
                          stdout=subprocess.PIPE)
    lines, result = done.stdout.decode().split("\n"), [[]]
    for line in lines[:-1]:
        if line:
            result[-1].append(line)
        else:
            result.append([])
    assert len(result) == len(texts) + 1, "the parser did not answer each text"
    return result[:-1]


def main(parser, ebnf, seed=None, count="6000"):
    seed = int(seed) if seed else random.SystemRandom().randrange(1 << 32)
    r = random.Random(seed)
    print(f"seed {seed}")
    with open(ebnf, encoding="utf-8") as file:
        grammar = Grammar(file.read(), r)

    cases = []
    for _ in range(int(count)):
        tokens = grammar.sentence(grammar.rules["statement"])
        assert grammar.is_sentence(tokens), f"the recogniser does not know {tokens}"
        cases.append((tokens, True))
        if tokens:
            spoiled = spoil(tokens, grammar)
            if spoiled:
                cases.append((spoiled, grammar.is_sentence(spoiled)))
    texts = [write(tokens, r) for tokens, _ in cases]

    wrong = 0
    for (tokens, is_sentence), text, said in zip(cases, texts, errors_of(parser, texts)):
        form = [error for error in said if not MEANING.search(error)]
        if is_sentence == (not form):
            continue
        wrong += 1
        if wrong <= 10:
            print(f"{'a sentence' if is_sentence else 'no sentence'}, and the parser says "
                  f"{form or said}: {text!r}")
    # Where to begin, and what is named only to be excepted.
    apart = ("policy", "logical line", "statement", "reserved", "NUMERIC CHARACTER")
    unused = [name for name in [*grammar.rules, *map(repr, grammar.keywords)]
              if not grammar.used[name] and name not in apart]
    refused = sum(not is_sentence for _, is_sentence in cases)
    print(f"{len(cases)} statements, {refused} of them wrong; {wrong} disagreements")
    for name in unused:
        print(f"never generated: {name}")
    assert refused > len(cases) // 10, "too little was spoiled"
    return 1 if wrong or unused else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
