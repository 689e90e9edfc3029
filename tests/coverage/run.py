#!/usr/bin/python3
"""run.py [-k] [-l]: which lines and branches of both headers the tests run, by gcov and gcovr. Builds the programs of
programs() below without optimization, runs them and merges what they reached. Every line that is not run and every
branch that is not taken must stand in exceptions.txt beside this file, and what stands there must be so.
-k: takes what was built and run before. -l: prints what is missing in the form of exceptions.txt.
The report with the source is build/coverage/index.html."""
import collections
import concurrent.futures
import glob
import json
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
OUT = "build/coverage"
HEADERS = ["xmpp.h", "xmpp_tls_bearssl.h"]
# A function that is inlined, as some ask to be, would have branches of its own at each caller.
CFLAGS = ["-std=gnu99", "-O0", "-g", "--coverage", "-fno-inline", "-Dalways_inline=unused", "-fkeep-static-functions", "-pthread", "-I."]
Hole = collections.namedtuple("Hole", "header function number text run missed of")
FAST = {"small": ["-DXMPP_CFG_FAST=0"], "runs": ["-DXMPP_CFG_FAST=1"], "portable": ["-DXMPP_CFG_FAST=2", "-DXMPP_CFG_SIMD=0"]}
ONE_GCOVR = threading.Lock()        # two at once would delete each other's files in this folder
MODES = "whole|big|rx64|bytes|wrap|wait|feed|room|take100|take7|take1"


def programs():
    """(name, source, flags of the compiler, arguments)"""
    sessions = sorted(glob.glob("tests/sessions/*.txt"))
    for source in sorted(glob.glob("tests/unit/test_*.c")):
        yield os.path.basename(source)[:-2], source, [], []
    yield "test_tls-m15", "tests/unit/test_tls.c", ["-DXMPP_CFG_TLS_M15=1"], []
    yield "run", "tests/sessions/run.c", [], ["-m", MODES] + sessions
    yield "run-torn", "tests/sessions/run.c", [], ["-s", "97", "-m", "dice|cuts|eof|error"] + sessions
    for variant, flags in FAST.items():
        for name in ("xml", "tree", "hash"):
            yield "test_%s-%s" % (name, variant), "tests/unit/test_%s.c" % name, flags, []
        yield "run-" + variant, "tests/sessions/run.c", flags, ["-m", "whole|bytes"] + sessions


def build_and_run(program):
    """What went wrong; "" when nothing did."""
    name, source, flags, args = program
    folder = os.path.join(OUT, name)
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(folder + "/*"):
        os.remove(old)
    exe = os.path.join(folder, name)
    cc = os.environ.get("COVERAGE_CC", "gcc")       # gcov is its own
    for argv in ([cc, *CFLAGS, *flags, "-c", "-o", exe + ".o", source],
                 [cc, "--coverage", "-pthread", "-o", exe, exe + ".o", "-lcmocka", "-lbearssl"], [exe, *args]):
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        if done.returncode != 0:
            return "%s\n%s" % (" ".join(argv[:4]), done.stdout.decode(errors="replace")[-1500:])
    gcovr = ["gcovr", "-r", "."] + [x for h in HEADERS for x in ("--filter", re.escape(h) + "$")]
    with ONE_GCOVR:
        subprocess.run([*gcovr, "--json", "-o", exe + ".json", folder], check=True)
    with open(exe + ".json") as f:
        report = json.load(f)
    for file in report["files"]:    # one function, twice by #if: gcovr merges by name and wants one line of it
        for function in file["functions"]:
            function["name"] += "@%d" % function["lineno"]
    with open(exe + ".json", "w") as f:
        json.dump(report, f)
    return ""


def holes(file, text):
    """[Hole] in order, and the counts."""
    starts = sorted((f["lineno"], f["name"].split("@")[0]) for f in file["functions"])
    found, counts = [], collections.Counter()
    for line in sorted(file["lines"], key=lambda l: l["line_number"]):
        if line.get("gcovr/noncode"):
            continue
        number, run = line["line_number"], line["count"] > 0
        missed = [i for i, b in enumerate(line["branches"]) if b["count"] == 0]
        counts.update(lines=1, run=run, branches=len(line["branches"]), taken=len(line["branches"]) - len(missed))
        if missed or not run:
            function = [name for at, name in starts if at <= number][-1]
            found.append(Hole(file["file"], function, number, text[number - 1].strip(), run, missed, len(line["branches"])))
    return found, counts


def mark(hole):
    """How exceptions.txt writes it: "2" branches are not taken, "-" the line is not run, "-2" both."""
    return ("" if hole.run else "-") + (str(len(hole.missed)) if hole.missed else "")


def read_exceptions():
    """{(header, function, text of the line): [mark]}, and by header how many branches have no reason yet."""
    listed, todo, at, branches = collections.defaultdict(list), collections.Counter(), None, 0
    with open(os.path.join(HERE, "exceptions.txt"), encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if len(words) == 2 and words[0] in HEADERS:
                at, branches = words, 0
            elif line.startswith("| "):
                listed[at[0], at[1], line[2:].strip().split(" ", 1)[1].strip()].append(words[1])
                branches += int(words[1].lstrip("-") or 0)
            elif line.startswith("TODO"):
                todo[at[0]] += branches
    return listed, todo


def show_list(found):
    last = None
    for hole in found:
        if (hole.header, hole.function) != last:
            last = hole.header, hole.function
            print("\n%s %s" % last)
        print("| %s %s" % (mark(hole), hole.text))


def main():
    os.chdir(TOP)
    all_programs = list(programs())
    if "-k" not in sys.argv:
        with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count()))) as pool:
            bad = [words for words in pool.map(build_and_run, all_programs) if words]
        for words in bad:
            print("FAIL", words)
        if bad:
            return 1
    files = [x for p in all_programs for x in ("-a", os.path.join(OUT, p[0], p[0] + ".json"))]
    subprocess.run(["gcovr", "-r", ".", *files, "--json", OUT + "/coverage.json", "--html-details", OUT + "/index.html"], check=True)
    with open(OUT + "/coverage.json") as f:
        report = json.load(f)
    listed, todo = read_exceptions()
    seen, found, counts, bad = collections.defaultdict(list), [], {}, 0
    for file in report["files"]:
        with open(file["file"], encoding="utf-8") as f:
            more, counts[file["file"]] = holes(file, f.read().split("\n"))
        found += more
    if "-l" in sys.argv:
        show_list(found)
        return 0
    for hole in found:
        key = hole.header, hole.function, hole.text
        seen[key].append(mark(hole))
        if mark(hole) not in listed.get(key, []):
            bad += 1
            print("FAIL %s:%d: %s: %s%s: %s" % (hole.header, hole.number, hole.function, "" if hole.run else "not run",
                  " of %d branches these are not taken: %s" % (hole.of, hole.missed) if hole.missed else "", hole.text))
    for key, marks in listed.items():
        if sorted(marks) != sorted(seen[key]):
            bad += 1
            print("FAIL exceptions.txt: %s: %s: %s: says %s, is %s" % (*key, " ".join(sorted(marks)), " ".join(sorted(seen[key]))))
    for header, n in counts.items():
        print("%s: %.2f %% of %d lines, %.2f %% of %d branches; not reached: %d lines, %d branches, of which %d without a reason yet" %
              (header, 100 * n["run"] / n["lines"], n["lines"], 100 * n["taken"] / n["branches"], n["branches"],
               n["lines"] - n["run"], n["branches"] - n["taken"], todo[header]))
    print("%d passed, %d failed" % (len(counts) if bad == 0 else 0, bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
