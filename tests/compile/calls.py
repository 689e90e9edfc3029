#!/usr/bin/python3
"""calls.py HEADER...: no call outside comments and strings that allocates, prints, jumps or recurses into
the C library's state. The POSIX part of xmpp.h may use what it needs of the system, still not these."""
import re
import sys

FORBIDDEN = r"(malloc|calloc|realloc|free|alloca|strdup|setjmp|longjmp|[a-z]*printf|[a-z]*scanf|strtok|" \
            r"atoi|atol|strto[a-z]+|qsort|rand|srand|exit|abort|assert|setlocale|gets|strcat|strcpy|signal)"
bad = 0
for path in sys.argv[1:]:
    text = open(path).read()
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", blank, text)
    for number, line in enumerate(text.split("\n"), 1):
        for call in re.finditer(r"(?<![\w.>])" + FORBIDDEN + r"\s*\(", line):
            print("%s:%d: %s" % (path, number, call[1]))
            bad = 1
sys.exit(bad)
