#!/usr/bin/python3
"""lint.py: static analysis of both headers by clang-tidy, clang's analyzer, gcc's and cppcheck; see `make lint`.

Each runs over the headers as they are built for a server (fast), for a microcontroller (small), and as C++.
A finding fails unless tests/lint/exceptions.txt names it:

    CHECK | the line of source, or for the complexity of a function its name | reason

An exception that nothing needs any more fails too. The last line is "N passed, N failed"."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "lint")
HEADERS = ("xmpp.h", "xmpp_tls_bearssl.h")
SOURCE = """#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
"""
SMALL = ["-DXMPP_CFG_FAST=0", "-DXMPP_CFG_SIMD=0"]
PORTABLE = ["-DXMPP_CFG_FAST=2", "-DXMPP_CFG_SIMD=0"]
# clang-tidy reads what its first word says; gcc's analyzer sees most before the optimizer has been at work
TOOLS = [
    ("clang-tidy", ["clang-tidy", "--quiet", "{c}", "--", "-std=c99", "-I."]),
    ("clang-tidy, small", ["clang-tidy", "--quiet", "{c}", "--", "-std=c99", "-I."] + SMALL),
    ("clang-tidy, portable", ["clang-tidy", "--quiet", "{c}", "--", "-std=c99", "-I."] + PORTABLE),
    ("clang --analyze", ["clang", "--analyze", "-Xclang", "-analyzer-output=text", "-std=c99", "-I.", "{c}"]),
    ("clang --analyze, small", ["clang", "--analyze", "-Xclang", "-analyzer-output=text", "-std=c99", "-I.", "{c}"] + SMALL),
    ("clang --analyze, C++", ["clang++", "--analyze", "-Xclang", "-analyzer-output=text", "-std=c++11", "-I.", "{cc}"]),
    ("gcc -fanalyzer", ["gcc", "-fanalyzer", "-std=c99", "-O0", "-I.", "-c", "{c}", "-o", "/dev/null"]),
    ("gcc -fanalyzer -Og", ["gcc", "-fanalyzer", "-std=c99", "-Og", "-I.", "-c", "{c}", "-o", "/dev/null"]),
    ("gcc -fanalyzer, small", ["gcc", "-fanalyzer", "-std=c99", "-O0", "-I.", "-c", "{c}", "-o", "/dev/null"] + SMALL),
    ("cppcheck", ["cppcheck", "--std=c99", "--enable=warning,performance,portability,style", "--quiet", "--max-configs=1",
                  "--suppress=missingIncludeSystem", "--template={file}:{line}:{column}: warning: {message} [{id}]",
                  "-I.", "-D__GNUC__=12", "-D__x86_64__", "-U__cplusplus", "-DXMPP_IMPLEMENTATION",
                  "-DXMPP_TLS_BEARSSL_IMPLEMENTATION", "{c}"]),
    ("cppcheck, small", ["cppcheck", "--std=c99", "--enable=warning,performance,portability,style", "--quiet", "--max-configs=1",
                         "--suppress=missingIncludeSystem", "--template={file}:{line}:{column}: warning: {message} [{id}]",
                         "-I.", "-D__GNUC__=12", "-D__x86_64__", "-U__cplusplus", "-DXMPP_IMPLEMENTATION",
                         "-DXMPP_TLS_BEARSSL_IMPLEMENTATION", "{c}"] + SMALL),
]
# style of cppcheck's that this code does otherwise: its variables stand at the head of a function (C99 and C++11 in one)
OTHERWISE = {"variableScope"}
FINDING = re.compile(r"^(?:\./|.*/)?(xmpp(?:_tls_bearssl)?\.h|lint\.cc?):(\d+)(?::\d+)?: (?:fatal )?"
                     r"(?:warning|error|style|portability|performance): (.*?)(?: \[([^\]]*)\])*$")


def read_exceptions():
    """{(check, text): reason}"""
    found = {}
    with open(os.path.join(ROOT, "tests", "lint", "exceptions.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                check, text, reason = (part.strip() for part in line.split(" | "))
                assert reason, line
                found[check, text] = reason
    return found


def findings(output, lines):
    """(check, line of source or name of function, what the tool said) of each finding"""
    for line in output.splitlines():
        m = FINDING.match(line)
        if not m:
            continue
        checks = re.findall(r"\[([^\]]*)\]", line)[-1:] or [""]
        check = checks[0].split(",")[0]
        if check in OTHERWISE:
            continue
        name = re.search(r"function '(\w+)' has cognitive complexity", line)
        source = lines.get(m.group(1), [])
        number = int(m.group(2))
        text = name.group(1) if name else source[number - 1].strip() if number <= len(source) else ""
        yield check, text, line


def main():
    os.makedirs(BUILD, exist_ok=True)
    os.chdir(ROOT)
    paths = {}
    for ext in ("c", "cc"):
        paths[ext] = os.path.join("build", "lint", "lint." + ext)
        with open(paths[ext], "w", encoding="utf-8") as f:
            f.write(SOURCE)
    lines = {}
    for header in HEADERS:
        with open(header, encoding="utf-8") as f:
            lines[header] = f.read().splitlines()
    exceptions, used = read_exceptions(), set()
    passed = failed = 0
    for name, command in TOOLS:
        command = [paths["c"] if a == "{c}" else paths["cc"] if a == "{cc}" else a for a in command]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                              errors="replace", check=False)
        with open(os.path.join(BUILD, re.sub(r"\W+", "-", name) + ".log"), "w", encoding="utf-8") as f:
            f.write(done.stdout)
        new = {}
        for check, text, line in findings(done.stdout, lines):
            if (check, text) in exceptions:
                used.add((check, text))
            else:
                new[line] = (check, text)
        if new or done.returncode != 0:
            failed += 1
            print("FAIL %s%s" % (name, "" if new else " (exit status %d)\n%s" % (done.returncode, done.stdout[-2000:])))
            for line, (check, text) in new.items():
                print("  %s\n      %s | %s | " % (line, check, text))
        else:
            passed += 1
            print("ok   %s" % name)
        sys.stdout.flush()
    for check, text in sorted(set(exceptions) - used):
        failed += 1
        print("FAIL no tool finds this any more: %s | %s" % (check, text))
    print("%d exceptions\n%d passed, %d failed" % (len(exceptions), passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
