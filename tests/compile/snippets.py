#!/usr/bin/python3
"""snippets.py same            is the first program the same text in README.md, in the section >>quickstart of
                            xmpp.h and in examples/hello.c (but for hello.c's opening comment)?
snippets.py extract PREFIX  writes each ```c block of README.md to PREFIX-N.c, ready to compile, and prints
                            "FILE NAME" lines. A block that includes nothing is put into a function with
                            client, ev, account and config at hand. ```c no-check is left out."""
import re
import sys

AROUND = """#define _POSIX_C_SOURCE 200809L
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include <stdio.h>
#include <stdlib.h>
extern xmpp_client client;
extern const xmpp_event *ev;
extern xmpp_account account;
extern xmpp_config config;
extern uint32_t now_ms(void);
void snippet(void);
void snippet(void)
{
#line 1 "README.md (block %d)"
%s
}
"""


def readme_blocks():
    return re.findall(r"^```c\n(.*?)^```", open("README.md").read(), re.M | re.S)


def tidy(text):
    lines = [line.rstrip() for line in text.expandtabs(4).strip("\n").split("\n")]
    indent = min((len(l) - len(l.lstrip()) for l in lines if l), default=0)
    return "\n".join(l[indent:] for l in lines).strip("\n")


def quickstart():
    """The program in the comment: from its first # line to the last line that is a lone brace."""
    text = open("xmpp.h").read()
    for section in re.split(r">>quickstart\b", text)[1:]:
        section = section.partition("\n")[2].split("*/")[0]
        section = re.split(r"^ *(?:/\* )?(?:====|----)", section, flags=re.M)[0]
        m = re.search(r"^([ \t]*)#.*^\1\}[ \t]*$", section, re.M | re.S)
        if m:
            return tidy(m[0])
    sys.exit("xmpp.h has no program in its section >>quickstart")


def same():
    hello = re.sub(r"\A\s*/\*.*?\*/\n", "", open("examples/hello.c").read(), flags=re.S)
    programs = [b for b in readme_blocks() if "int main(" in b]
    if not programs:
        sys.exit("README.md has no ```c block with a program")
    texts = {"README.md": tidy(programs[0]), "xmpp.h": quickstart(), "examples/hello.c": tidy(hello)}
    bad = 0
    for name in ("README.md", "xmpp.h"):
        a, b = texts[name].split("\n"), texts["examples/hello.c"].split("\n")
        for number, (x, y) in enumerate(zip(a + [""] * len(b), b + [""] * len(a)), 1):
            if x != y:
                print("line %d of the program\n  %s: %s\n  examples/hello.c: %s" % (number, name, x, y))
                bad = 1
                break
    lines = len([l for l in texts["examples/hello.c"].split("\n") if l.strip()])
    if lines >= 40:
        print("the first program has %d lines: it should have under 40" % lines)
        bad = 1
    sys.exit(bad)


def extract(prefix):
    for number, block in enumerate(readme_blocks(), 1):
        path = "%s-%d.c" % (prefix, number)
        with open(path, "w") as f:
            f.write(block if "#include" in block else AROUND % (number, block))
        print(path, "README.md block %d" % number)


same() if sys.argv[1] == "same" else extract(sys.argv[2])
