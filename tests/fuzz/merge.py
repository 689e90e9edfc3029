#!/usr/bin/python3
"""merge.py TARGET...: makes tests/fuzz/corpus/TARGET anew: of what it has and of what runs of `make fuzz` found, the few files
that reach most of the code. At most MOST of them for each target, so that the corpora stay small. Files with a name of words
show a fault that was put in (tests/mutants, "F.TARGET") and stay; the others are named by their content."""
import hashlib
import os
import re
import shutil
import subprocess
import sys

MOST = 16
CANDIDATES = 30


def features(target, folder):
    """Of each file of the folder the edges that no smaller file of it reached, as libFuzzer's merge notes them."""
    control, out = os.path.abspath("build/fuzz/merge.control"), "build/fuzz/merge.out"
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    if os.path.exists(control):
        os.unlink(control)
    subprocess.run(["build/fuzz/" + target, "-merge=1", "-use_counters=0", "-merge_control_file=" + control, "-timeout=30",
                    out, folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(control) as f:
        lines = f.read().splitlines()
    names = lines[2:2 + int(lines[0])]
    edges = {}
    for line in lines[2 + len(names):]:
        kind, number, *rest = line.split()
        if kind == "FT":
            edges[names[int(number)]] = set(rest)
    return edges


def reached(target, folders, stay):
    """The files that promise most and those that stay, each with all the edges that it reaches."""
    every, one = "build/fuzz/merge.all", "build/fuzz/merge.one"
    shutil.rmtree(every, ignore_errors=True)
    os.makedirs(every)
    for folder in folders:
        for name in os.listdir(folder):
            shutil.copy(os.path.join(folder, name), every)
    new = features(target, every)
    large = sorted(new, key=os.path.getsize)[-CANDIDATES:]
    edges = {}
    for name in set(large + sorted(new, key=lambda name: len(new[name]))[-CANDIDATES:] + [os.path.join(every, name) for name in stay]):
        shutil.rmtree(one, ignore_errors=True)
        os.makedirs(one)
        shutil.copy(name, one)
        edges[name] = set().union(*features(target, one).values())
    return edges, len(set().union(*new.values()))


def choose(edges, stay):
    """What adds most to those that stay."""
    room = MOST - len(stay)
    if room < 1:
        sys.exit("%d files have names of words: no room for others, raise MOST" % len(stay))
    covered = set().union(*(edges.pop(name) for name in list(edges) if os.path.basename(name) in stay))
    chosen = []
    while edges and len(chosen) < room:
        # of equals the smallest
        best = max(edges, key=lambda name: (len(edges[name] - covered), -os.path.getsize(name)))
        if not edges[best] - covered:
            break
        chosen.append(best)
        covered |= edges[best]
    return chosen, len(covered)


for target in sys.argv[1:]:
    corpus = "tests/fuzz/corpus/" + target
    folders = [d for d in (corpus, "build/fuzz/corpus/" + target) if os.path.isdir(d)]
    stay = {}
    for name in os.listdir(corpus):
        if not re.fullmatch("[0-9a-f]{12}", name):
            with open(os.path.join(corpus, name), "rb") as f:
                stay[name] = f.read()
    edges, all_edges = reached(target, folders, stay)
    chosen, covered = choose(edges, stay)
    data = []
    for name in chosen:
        with open(name, "rb") as f:
            data.append(f.read())
    shutil.rmtree(corpus, ignore_errors=True)
    os.makedirs(corpus)
    for content in data:
        with open(os.path.join(corpus, hashlib.sha1(content).hexdigest()[:12]), "wb") as f:
            f.write(content)
    for name, content in stay.items():
        with open(os.path.join(corpus, name), "wb") as f:
            f.write(content)
    print("%-8s %2d files, %2d more by name, %6d bytes, %d of %d edges" % (target, len(data), len(stay), sum(map(len, data)), covered, all_edges))
