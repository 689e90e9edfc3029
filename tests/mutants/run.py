#!/usr/bin/python3
"""Takes the defences out of the headers, one at a time, and expects a red test.  SPDX: MIT

run.py [WORD...]     the mutants of list.txt; with words only those whose name begins with one: "T4" "T5.1" "F.jid"

list.txt is read like this:
  == T4.1 NAME       a mutant begins. T4.1 is the attack of threats.md that it lets pass; F.jid: a fuzz target is to find it
  file FILE          what is changed; xmpp.h unless said
  in FUNCTION        where the text stands; without it anywhere in the file
  - TEXT             what is there: once, white space is no matter. Lines in a row are one text
  + TEXT             what takes its place; may be left out. A further "-" is a further change
  by sessions NAME   what must turn red: transcripts whose name holds NAME. Unless said those of the attack: "T4.1 "
  by test_sasl NAME  ... or tests of tests/unit/test_sasl.c, "*" in the name allowed. Of several lines one red is enough
  by test_certs ROW  ... or rows of tests/unit/test_certs.py that begin with ROW; "ROW (pin alone)" in that way alone
  by fuzz NAME       ... or the corpus of tests/fuzz/NAME.c, with sanitizers. Unless said that of "F.NAME ..."
  with asan          built with sanitizers
  with fast0         built with XMPP_CFG_FAST 0
Headers are changed in build/mutants, never here. What is expected to turn red is run on the unchanged headers first."""
import os
import re
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "mutants")
HEADERS = ["xmpp.h", "xmpp_tls_bearssl.h"]
CC = os.environ.get("CC", "cc").split()
WITH = {"asan": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], "fast0": ["-DXMPP_CFG_FAST=0"]}
SECONDS = 120                   # a mutant that runs for longer hangs, which is red
NUMBER = re.compile(r"T\d+\.\d+")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


class Mutant:
    def __init__(self, name):
        self.name = name
        self.changes = []       # [file, function or None, old, new]
        self.tests = []         # (program, what to run of it)
        self.flags = ()
        self.file, self.function = "xmpp.h", None

    def line(self, mark, text, last):
        if self.tests and mark not in ("by", "with"):
            sys.exit("list.txt: behind what must turn red of %s: %s %s" % (self.name, mark, text))
        if mark == "-":
            if last != "-":
                self.changes.append([self.file, self.function, "", ""])
            self.changes[-1][2] += text + "\n"
        elif mark == "+":
            self.changes[-1][3] += text + "\n"
        elif mark == "file":
            self.file = text
        elif mark == "in":
            self.function = text
        elif mark == "by":
            self.tests.append(tuple(text.split(" ", 1)))
        elif mark == "with":
            self.flags += (text,)
        else:
            sys.exit("list.txt: what is this? %s %s" % (mark, text))


def read_list():
    mutants, last = [], ""
    for line in read("tests/mutants/list.txt").splitlines():
        if line == "" or line.startswith("#"):
            continue
        mark, _, text = line.partition(" ")
        if mark == "==":
            mutants.append(Mutant(text))
        else:
            mutants[-1].line(mark, text, last)
        last = mark
    for m in mutants:
        number = m.name.split()[0]
        if not m.tests:
            m.tests.append(("fuzz", number[2:]) if number.startswith("F.") else ("sessions", number + " "))
    return mutants


def body_of(text, function):
    """Where a function's definition begins and ends: its '}' is the next that begins a line, or ends this one."""
    found = re.search(r"^\w[^;{}]*\b%s\([^;{}]*\)\n(#endif\n)?\{|^\w[^;{}\n]*\b%s\([^;{}\n]*\) \{[^\n]*\}$"
                      % (function, function), text, re.M)
    if found is None:
        return None
    if text[found.end() - 1] == "}":
        return found.span()
    return found.start(), text.index("\n}", found.end())


def change(text, function, old, new):
    """The text with one change made. None: not there, or not once."""
    begin, end = (0, len(text)) if function is None else body_of(text, function) or (0, 0)
    pattern = r"\s+".join(re.escape(word) for word in old.split())
    found = list(re.finditer(pattern, text[begin:end]))
    if len(found) != 1:
        return None
    return text[:begin + found[0].start()] + new.rstrip("\n") + text[begin + found[0].end():]


def apply(mutant, folder):
    """Writes the headers, changed, into a folder. What no longer applies, or None."""
    texts = {name: read(name) for name in HEADERS}
    for file, function, old, new in mutant.changes:
        texts[file] = change(texts[file], function, old, new)
        if texts[file] is None:
            return "in %s: %s" % (function or file, " ".join(old.split()))
    os.makedirs(folder, exist_ok=True)
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            f.write(text)
    return None


def executable(test, folder):
    return os.path.join(folder, "fuzz_" + test[1] if test[0] == "fuzz" else test[0])


def commands(test, flags, folder):
    """What builds a test program with the headers of a folder."""
    program, what = test
    cc = CC + ["-std=gnu99", "-O0", "-g", "-w", "-I" + folder] + [f for name in flags for f in WITH[name]]
    link = ["-o", executable(test, folder)]
    if program == "sessions":
        return [cc + ["-pthread"] + link + ["tests/sessions/run.c", "-lbearssl"]]
    if program != "fuzz":
        return [cc + ["-pthread", "-Itests/unit"] + link +
                ["tests/unit/%s.c" % program, os.path.join(WORK, "filter.o"), "-lcmocka", "-lbearssl"]]
    cc += WITH["asan"]
    part, parts, out = "tests/fuzz/each/%s.c" % what, [], []
    for level in range(4) if os.path.exists(os.path.join(ROOT, part)) else ():
        parts.append(os.path.join(folder, "%s_%d.o" % (what, level)))
        out.append(cc + ["-DLEVEL=%d" % level, "-c", "-o", parts[-1], part])
    return out + [cc + link + ["tests/fuzz/%s.c" % what, "tests/fuzz/main.c"] + parts + ["-lexpat", "-lbearssl"]]


def build(test, flags, folder):
    """What the compiler says, or None."""
    for command in commands(test, flags, folder):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            return done.stdout[:800]
    return None


def sessions():
    folder = os.path.join(ROOT, "tests", "sessions")
    return [os.path.join("tests", "sessions", f) for f in sorted(os.listdir(folder)) if f.endswith(".txt")]


def play(test, folder):
    """Runs tests. "green", "red", or why neither can be said."""
    program, what = test
    command = [executable(test, folder)]
    env = dict(os.environ)
    if program == "sessions":
        command += ["-n", what] + sessions()
    elif program == "fuzz":
        command.append("tests/fuzz/corpus/" + what)
    elif program == "test_certs":
        command.append(os.path.join(WORK, "rows"))
    else:
        env["ONLY_TESTS"] = what
    if program.startswith("test_tls"):
        command.append(os.path.join(WORK, "certificates"))
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "red"
    if program == "test_certs":
        return judge_rows(what, done)
    ran = re.search(rb"^\[  PASSED  \] ([1-9]\d*) test|^([1-9]\d*) passed, 0 failed$", done.stdout, re.M)
    if done.returncode != 0:
        return "red"
    return "green" if ran is not None else "no such test: %s %s" % (program, what)


def judge_rows(what, done):
    """All rows run; what is said of the others does not count."""
    if not any(line.startswith(what.split(" (")[0]) for line in read("build/mutants/rows/rows.txt").splitlines()):
        return "no such row: " + what
    ended = re.search(rb"^\d+ passed, \d+ failed$", done.stdout, re.M)
    return "red" if ended is None or b"\nFAIL " + what.encode() in b"\n" + done.stdout else "green"


class Runner:
    def __init__(self, mutants):
        self.todo = list(mutants)
        self.lock = threading.Lock()
        self.known = {}         # (test, flags): what it says of the unchanged headers
        self.passed = self.failed = 0

    def tell(self, name, why):
        with self.lock:
            print("%s %s%s" % ("ok  " if why is None else "FAIL", name, "" if why is None else ": " + why), flush=True)
            if why is None:
                self.passed += 1
            else:
                self.failed += 1

    def unchanged(self, test, flags):
        """Is the test green without a change? Each worker has folders of its own."""
        with self.lock:
            said = self.known.get((test, flags))
        if said is None:
            folder = os.path.join(WORK, threading.current_thread().name, "-".join(("unchanged",) + flags))
            said = None
            if not os.path.exists(executable(test, folder)):
                apply(Mutant(""), folder)
                said = build(test, flags, folder)
            said = said or play(test, folder)
            with self.lock:
                self.known[(test, flags)] = said
        return said

    def judge(self, mutant):
        """None: killed. Otherwise what is wrong."""
        folder = os.path.join(WORK, threading.current_thread().name, "changed")
        gone = apply(mutant, folder)
        if gone is not None:
            return "this mutant no longer applies, %s" % gone
        built = set()
        for test in mutant.tests:
            said = self.unchanged(test, mutant.flags)
            if said != "green":
                return "without the change: " + said
            program = executable(test, folder)
            said = None if program in built else build(test, mutant.flags, folder)
            if said is not None:
                return "it does not compile: " + said
            built.add(program)
            if play(test, folder) == "red":
                return None
        return "survived: no test is red"

    def work(self):
        while True:
            with self.lock:
                if not self.todo:
                    return
                mutant = self.todo.pop(0)
            self.tell(mutant.name, self.judge(mutant))

    def run(self):
        workers = [threading.Thread(target=self.work, name="worker%d" % i) for i in range(2)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()


def names_of_tests():
    """All that threats.md may name: transcripts as (file, name), functions as (file, function)."""
    names = set()
    for path in sessions():
        for line in read(path).splitlines():
            if line.startswith("== "):
                names.add((os.path.basename(path), line[3:]))
    for folder in ("unit", "ports", "interop", "firmware"):
        for file in os.listdir(os.path.join(ROOT, "tests", folder)):
            if file.endswith((".c", ".py")):
                for word in re.findall(r"^(?:static void|def) (\w+)\(", read("tests/%s/%s" % (folder, file)), re.M):
                    names.add((file, word))
    return names


def check_table(mutants, runner):
    """Each attack of threats.md has a test, and a mutant or a reason why not; all that it names is there. Each fuzz target
    has a mutant."""
    names = names_of_tests()
    rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in
            read("tests/mutants/threats.md").splitlines() if re.match(r"\| T\d", line)]
    listed = [row[0] for row in rows]
    numbers = [tuple(int(n) for n in t[1:].split(".")) for t in listed]
    for (a, b), (c, d) in zip(numbers, numbers[1:]):
        if (c, d) not in ((a, b + 1), (a + 1, 1)):
            runner.tell("threats.md", "T%d.%d comes behind T%d.%d" % (c, d, a, b))
    numbered = {m.name.split()[0] for m in mutants}
    for target in sorted(os.listdir(os.path.join(ROOT, "tests", "fuzz", "corpus"))):
        if "F." + target not in numbered:
            runner.tell("list.txt", "no mutant shows what the fuzz target %s finds" % target)
    for t in sorted({t for _, name in names for t in NUMBER.findall(name)} | numbered):
        if t not in listed and not t.startswith("F."):
            runner.tell("threats.md", "it does not list " + t)
    for t, _, tests, reason in rows:
        why = None
        named = re.findall(r"`(\w+\.\w+): ([^`]+)`", tests)
        mutated = any(m.name.split()[0] == t for m in mutants)
        for test in named:
            if test not in names:
                why = "there is no test %s: %s" % test
        if not named and not any(name.startswith(t + " ") for _, name in names):
            why = "no test"
        if mutated == (reason != ""):
            why = "a mutant and a reason for none" if mutated else "neither a mutant nor a reason"
        runner.tell("threats.md: " + t, why)


def main():
    words = sys.argv[1:]
    mutants = read_list()
    os.makedirs(WORK, exist_ok=True)
    for folder, _, files in os.walk(WORK):
        for file in files:
            if "worker" in folder:
                os.remove(os.path.join(folder, file))
    subprocess.run(CC + ["-c", "-o", os.path.join(WORK, "filter.o"), os.path.join(HERE, "filter.c")], check=True)
    for maker, script, folder in (("sh", "tls_certs.sh", "certificates"), (sys.executable, "test_certs.py", "rows")):
        folder = os.path.join(WORK, folder)
        script = os.path.join(ROOT, "tests", "unit", script)
        if not os.path.exists(folder) or os.path.getmtime(folder) < os.path.getmtime(script):
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)
            subprocess.run([maker, script, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runner = Runner([m for m in mutants if not words or any((m.name + " ").startswith(w) for w in words)])
    if not words:
        check_table(mutants, runner)
    runner.run()
    print("%d passed, %d failed" % (runner.passed, runner.failed))
    return runner.failed > 0 or runner.passed == 0


if __name__ == "__main__":
    sys.exit(main())
