#!/usr/bin/python3
"""run.py [--quick] [PART...]: what xmpp.h costs, beside its peers, over the same input and in one run. Prints tables;
build/bench/results.json has the figures, build/bench/ratios.svg the ratios. Parts: xml path writer kdf memory curves held m4.
HEADERS=DIR: the xmpp.h and xmpp_tls_bearssl.h of that folder, to compare versions.

Instructions are counted by callgrind, user space alone: they hardly differ from run to run. Times are CPU time, the
kernel's too: median [least-most] of rounds in which all take turns; ratios are taken inside a round. No figure is judged here.

--quick: no figures, but whether all find the same: `make check` runs it. Exit status 1 when they do not."""
import concurrent.futures
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(TOP, "build", "bench")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "interop")]
sys.dont_write_bytecode = True
import picture                                      # noqa: E402
import server                                       # noqa: E402
import stream                                       # noqa: E402

HEADERS = os.path.abspath(os.environ.get("HEADERS", TOP))
CHUNK = "1460"                                      # a TCP segment of Ethernet
SEED = 1
OURS = ("xmpp.h", "xmpp.h portable", "xmpp.h -Os")
CLIENTS = ("xmpp.h", "libstrophe", "iksemel", "loudmouth", "gloox")
WARN = ["-g", "-Wall", "-Wextra"]
results = {}


class Failure(Exception):
    pass


# ---- building ----

def call(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP, **more)
    if done.returncode != 0:
        raise Failure("%s: exit status %d\n%s" % (" ".join(argv[:6]), done.returncode, done.stderr.decode(errors="replace")[-2000:]))
    return done.stdout.decode()


def out(name):
    return os.path.join(OUT, name)


def source(name):
    return os.path.join("tests", "bench", name)


def flags(*packages):
    return call("pkg-config", "--cflags", "--libs", *packages).split()


def attributes():
    return "-DATTRIBUTES=" + ",".join('"%s"' % a for a in stream.ATTRIBUTES)


def private(name, keep, *argv):
    """An object that keeps its names to itself: libstrophe's begin with xmpp_ too."""
    call(*argv, "-c", "-o", out(name))
    call("objcopy", *[arg for k in keep for arg in ("-G", k)], out(name))


CC = os.environ.get("CC", "cc").split()


def build_xml():
    for suffix, more in (("", ["-O2"]), ("_portable", ["-O2", "-DXMPP_CFG_SIMD=0"]), ("_small", ["-Os"])):
        name = "ours" + suffix
        words = OURS[("", "_portable", "_small").index(suffix)]
        yield lambda name=name, more=more, words=words: private(
            "xml_%s.o" % name, (name, name + "_tree"), *CC, *WARN, *more, "-I" + HEADERS, attributes(), "-DOURS=" + name,
            '-DNAME="%s"' % words, source("xml_ours.c"))
    yield lambda: call(*CC, *WARN, "-O2", *flags("libxml-2.0"), "-c", "-o", out("xml_peers.o"), source("xml_peers.c"))
    yield lambda: call(*CC, *WARN, "-O2", "-c", "-o", out("xml.o"), source("xml.c"))


def link_xml():
    call(*CC, "-o", out("xml"), *[out("xml%s.o" % n) for n in ("", "_peers", "_ours", "_ours_portable", "_ours_small")],
         "-l:libstrophe.a", "-liksemel", "-lxml2", "-lexpat", "-lssl", "-lcrypto", "-lresolv", "-lm")


def build_feed():
    yield lambda: call(*CC, *WARN, "-O2", "-I" + HEADERS, "-o", out("feed"), source("feed.c"))


def build_path():
    yield lambda: call(*CC, *WARN, "-O2", "-I" + HEADERS, "-o", out("client xmpp.h"), source("client_ours.c"), "-lbearssl")
    yield lambda: call(*CC, *WARN, "-O2", "-o", out("client libstrophe"), source("client_strophe.c"), "-lstrophe")
    yield lambda: call(*CC, *WARN, "-O2", "-o", out("client iksemel"), source("client_iksemel.c"), "-liksemel")
    yield lambda: call(*CC, *WARN, "-O2", "-o", out("client loudmouth"), source("client_loudmouth.c"), *flags("loudmouth-1.0"))
    yield lambda: call("g++", *WARN, "-O2", "-o", out("client gloox"), source("client_gloox.cc"), "-lgloox")
    yield lambda: call(*CC, *WARN, "-O2", "-shared", "-fPIC", "-o", out("heap.so"), source("heap.c"))


def build_writer():
    yield lambda: private("writer_ours.o", ("writer_calls", "writer_template"), *CC, *WARN, "-O2", "-I" + HEADERS, source("writer_ours.c"))
    yield lambda: call(*CC, *WARN, "-O2", "-c", "-o", out("writer.o"), source("writer.c"))
    yield lambda: call(*CC, *WARN, "-O2", *flags("loudmouth-1.0"), "-c", "-o", out("writer_peers.o"), source("writer_peers.c"))
    yield lambda: call("g++", *WARN, "-O2", "-c", "-o", out("writer_gloox.o"), source("writer_gloox.cc"))


def link_writer():
    call("g++", "-o", out("writer"), *[out("writer%s.o" % n) for n in ("", "_ours", "_peers", "_gloox")],
         "-lstrophe", "-liksemel", "-lgloox", *flags("loudmouth-1.0"))


def build_kdf():
    yield lambda: private("kdf_ours.o", ("kdf_ours",), *CC, *WARN, "-O2", "-I" + HEADERS, source("kdf_ours.c"))


def link_kdf():
    call(*CC, *WARN, "-O2", "-o", out("kdf"), source("kdf.c"), out("kdf_ours.o"), "-l:libstrophe.a", "-lbearssl", "-lexpat", "-lssl",
         "-lcrypto", "-lresolv")


def build(what):
    os.makedirs(OUT, exist_ok=True)
    jobs = [job for name in what for job in globals()["build_" + name]()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    for name in what:
        if "link_" + name in globals():
            globals()["link_" + name]()


# ---- measuring ----

def callgrind(*argv):
    """{name: instructions} of the marks that the program set; what it printed."""
    folder = out("callgrind")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    said = call("valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(folder, "out"), *argv)
    counts = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), errors="replace") as f:
            head = f.read(4096)
        mark = re.search(r"^desc: Trigger: Client Request: (.*)$", head, re.M)
        if mark:
            counts[mark[1]] = int(re.search(r"^(?:summary|totals): (\d+)", head, re.M)[1])
    if not counts:
        raise Failure("callgrind counted nothing: " + " ".join(argv))
    return counts, said


def times(said):
    """{name: [seconds of each round]} from lines "NAME seconds ..."."""
    taken = {}
    for line in said.splitlines():
        fields = line.split("\t")
        taken.setdefault(fields[0], []).append(float(fields[1]))
    return taken


def spread(values, form="%.1f"):
    return (form + " [" + form + "-" + form + "]") % (statistics.median(values), min(values), max(values))


def ratio(values, to):
    return spread([v / t for v, t in zip(values, to)], "%.2f")


def table(title, head, rows, words=""):
    print("\n### %s\n" % title)
    rows = [[str(c) for c in row] for row in [head] + rows]
    width = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for i, row in enumerate(rows):
        print("| " + " | ".join(c.ljust(w) if j == 0 else c.rjust(w) for j, (c, w) in enumerate(zip(row, width))) + " |")
        if i == 0:
            print("|" + "|".join("-" * (w + 1) + (":" if j else "-") for j, w in enumerate(width)) + "|")
    if words:
        print("\n" + words)
    sys.stdout.flush()


def thousands(n):
    return "{:,}".format(round(n))


def corpus(size, seed=SEED):
    """The path of a stream of so many bytes."""
    path = out("%d-%d.xml" % (size, seed))
    with open(path, "wb") as f:
        f.write(stream.whole(stream.Stream(seed).stanzas(size)))
    return path


def lines(size, seed=SEED):
    """The path of a file with a stanza in each line."""
    path = out("%d-%d.txt" % (size, seed))
    with open(path, "wb") as f:
        f.write(b"\n".join(stream.Stream(seed).stanzas(size)))
    return path


# ---- the parts ----

def part_xml():
    small, large, rounds = corpus(1000000), corpus(8000000), 9
    n, big = os.path.getsize(small), os.path.getsize(large)
    counts, _ = callgrind(out("xml"), "count", small, CHUNK)
    taken = times(call(out("xml"), "time", large, CHUNK, str(rounds)))
    for tree, title, base in ((False, "Tokenizer", "expat with namespaces"), (True, "Tokenizer and a tree of each stanza", "libstrophe + tree")):
        names = [p for p in counts if p.endswith("+ tree") == tree]
        names.sort(key=lambda p: (not p.startswith("xmpp.h"), counts[p]))
        table(title, ["parser", "instructions a byte", "MB a second", "CPU, ratio to " + base.split()[0]],
              [[p, "%.1f" % (counts[p] / n), spread([big / 1e6 / t for t in taken[p]], "%.0f"), ratio(taken[p], taken[base])] for p in names],
              "%s bytes counted, %s bytes timed, in pieces of %s; %d rounds." % (thousands(n), thousands(big), CHUNK, rounds))
        results["tree" if tree else "tokenizer"] = {p.replace(" + tree", ""): counts[p] / n for p in names}
    said, accepted = {}, {}
    for line in call(out("xml"), "strict").splitlines():
        parser, what, answer = line.split("\t")
        said.setdefault(parser, []).append(answer == "refuses")
        if answer != "refuses":
            accepted.setdefault(parser, []).append(what)
    table("What is ill-formed or forbidden by RFC 6120 11, %d examples" % len(said[OURS[0]]), ["parser", "refuses", "accepts"],
          [[p, said[p].count(True), said[p].count(False)] for p in (OURS[0], "expat with namespaces", "libxml2", "iksemel")],
          "\n".join("%s accepts: %s." % (p, ", ".join(words)) for p, words in accepted.items()))


def blast_for(client, stanzas):
    blast = b"".join(stanzas)
    # gloox ends the stream at a character beyond the BMP that is given by number
    return blast.replace(b"&#x1F600;", b"") if client == "gloox" else blast


def run_client(client, port, *args, prefix=(), env=None):
    said = call(*prefix, out("client " + client), str(port), *args, env=dict(os.environ, **(env or {})), timeout=600)
    fields = said.split()
    return {k: float(v) for k, v in zip(fields[0::2], fields[1::2])}


def part_path():
    rounds = 5
    big, small = stream.Stream(SEED).stanzas(8000000), stream.Stream(SEED).stanzas(500000)
    served = server.Server()
    taken, heap, counts = {}, {}, {}

    def wanted(stanzas):
        return str(sum(not s.startswith(b"<iq") for s in stanzas))
    for _ in range(rounds):
        for client in CLIENTS:
            served.blast = blast_for(client, big)
            got = run_client(client, served.port, "blast", wanted(big))
            taken.setdefault(client, []).append(got["cpu"])
            if got["message"] + got["presence"] != float(wanted(big)):
                raise Failure(client + " lost stanzas")
    for client in CLIENTS:
        served.blast = blast_for(client, small)
        heap[client] = run_client(client, served.port, "blast", wanted(small), env={"LD_PRELOAD": out("heap.so")})
        counts[client] = callgrind(out("client " + client), str(served.port), "blast", wanted(small))[0]["blast"] / len(small)
    served.close()
    average = sum(map(len, small)) / len(small)
    table("Full path: from socket to handler, over loopback",
          ["client", "instructions a stanza", "per 450 bytes", "CPU s per 100,000 stanzas", "CPU, ratio to libstrophe", "allocations a stanza",
           "bytes allocated a stanza"],
          [[c, thousands(counts[c]), thousands(counts[c] * 450 / average), spread([t * 1e5 / len(big) for t in taken[c]], "%.2f"),
            ratio(taken[c], taken["libstrophe"]), "%.1f" % (heap[c]["calls"] / len(small)), thousands(heap[c]["requested"] / len(small))]
           for c in CLIENTS],
          "%s stanzas of %.0f bytes counted, %s timed; %d rounds. Instructions are those of user space; CPU time has the kernel's too."
          % (thousands(len(small)), average, thousands(len(big)), rounds))
    results["path"] = {c: counts[c] * 450 / average for c in CLIENTS}
    results["path CPU"] = {c: statistics.median(a / b for a, b in zip(taken[c], taken["libstrophe"])) for c in CLIENTS}


def part_writer():
    hashes = {}
    for writer in ("xmpp.h by calls", "xmpp.h by template, checked", "libstrophe", "iksemel", "loudmouth", "gloox"):
        with open(out("written.xml"), "w") as f:
            f.write(call(out("writer"), "print", writer))
        rows = [line.split("\t") for line in call(out("xml"), "check", out("written.xml"), CHUNK).splitlines()]
        hashes[writer] = {r[7] for r in rows if r[0] == "expat with namespaces"}
    if len({str(h) for h in hashes.values()}) != 1:
        raise Failure("they do not write the same: %s" % hashes)
    counts, said = callgrind(out("writer"), "count")
    taken = times(call(out("writer"), "time", "9"))
    n = int(said.split("\n")[0].split("\t")[3])
    base = taken["libstrophe"]
    names = sorted(counts, key=lambda w: (not w.startswith("xmpp.h"), counts[w]))
    table("Writing a chat message with a body, two payloads and escapes", ["library", "instructions a message", "microseconds", "CPU, ratio to libstrophe"],
          [[w, thousands(counts[w] / n), spread([t * 1e6 / n for t in taken[w]], "%.2f"), ratio(taken[w], base)] for w in names])
    results["writer"] = {w: counts[w] / n for w in names}


def part_kdf():
    counts, said = callgrind(out("kdf"), "count")
    taken = times(call(out("kdf"), "time", "9"))
    n = int(said.split("\n")[0].split("\t")[2])
    for kind in ("SHA-1", "SHA-256"):
        names = [k for k in counts if k.endswith(kind)]
        names.sort(key=lambda k: (not k.startswith("xmpp.h"), counts[k]))
        table("SCRAM login: PBKDF2 with " + kind, ["library", "instructions an iteration", "ms for 4,096", "CPU, ratio to OpenSSL"],
              [[k.rsplit(" ", 1)[0], thousands(counts[k] / n), spread([t * 1e3 for t in taken[k]], "%.2f"), ratio(taken[k], taken["OpenSSL " + kind])]
               for k in names])
        results["PBKDF2 " + kind] = {k.rsplit(" ", 1)[0]: counts[k] / n for k in names}


def session_bytes(client, port, n, *args):
    """Heap bytes of a session: what the last ones took; and of the first, with what all share."""
    said = call(out("client " + client), str(port), "idle", str(n), *args, env=dict(os.environ, LD_PRELOAD=out("heap.so")), timeout=600)
    live = [int(line.split()[3]) for line in said.splitlines() if line.startswith("sessions")]
    if len(live) != n + 1:
        raise Failure("%s: %d sessions of %d" % (client, len(live) - 1, n))
    return (live[-1] - live[1]) / (n - 1), live[1] - live[0]


def part_memory():
    import servers
    place = servers.Place()
    served = server.Server(place.certs["server"].pem)
    ca = place.certs["ca"].crt
    try:
        rows = []
        for client in ("xmpp.h", "iksemel", "libstrophe", "gloox"):
            more, first = session_bytes(client, served.port, 50, "plain")
            rows.append([client, thousands(more), thousands(first)])
            results.setdefault("memory, plain", {})[client] = more
        table("Memory of an idle session, without TLS", ["client", "bytes a session", "the first"], rows,
              "xmpp.h: rx 256, arena and queue 1,024 bytes each, client, account and transport. 50 sessions in one process; heap with its headers.")
        served.tls = True
        rows = []
        for words, client, args in (("xmpp.h, records of 512 bytes", "xmpp.h", (ca, "small")), ("xmpp.h, records of 16 KB", "xmpp.h", (ca,)),
                                    ("libstrophe", "libstrophe", (ca,)), ("gloox", "gloox", (ca,))):
            more, first = session_bytes(client, served.port, 10, "tls", *args)
            rows.append([words, thousands(more), thousands(first)])
            results.setdefault("memory, TLS", {})[words] = more
        table("Memory of an idle session, TLS", ["client", "bytes a session", "the first"], rows,
              "10 sessions in one process, each told of one authority. xmpp.h keeps authorities and what a handshake needs once for all "
              "of them; libstrophe and gloox load the system's authorities too, for each session.")
    finally:
        served.close()
        place.close()


def shapes(named):
    """{name: {parser: (instructions a byte, what became of it)}}"""
    files, got = {}, {}
    os.makedirs(out("shapes"), exist_ok=True)
    for i, (name, stanza) in enumerate(named.items()):
        path = out("shapes/%d.xml" % i)
        with open(path, "wb") as f:
            f.write(stream.shape(200000, stanza))
        files[path] = name
    for parser in ("xmpp.h", "xmpp.h + tree", "expat with namespaces"):
        counts, said = callgrind(out("xml"), "shapes", parser, CHUNK, *files)
        for line in said.splitlines():
            path, result, _, skipped = line.split("\t")
            got.setdefault(files[path], {})[parser] = (counts[path] / os.path.getsize(path),
                                                       "refused" if result == "refused" else "skipped" if int(skipped) else "")
    return got


def cell(pair):
    return "%.1f%s" % (pair[0], " (%s)" % pair[1] if pair[1] else "")


def part_curves():
    parsers = ("xmpp.h", "xmpp.h + tree", "expat with namespaces")
    for title, (unit, stanzas) in stream.GROWING.items():
        got = shapes({str(n): s for n, s in stanzas.items()})
        table("Instructions a byte against " + title, [unit] + list(parsers), [[thousands(int(n))] + [cell(row[p]) for p in parsers] for n, row in got.items()])
        results["curve: " + title] = {n: [row[p][0] for p in parsers] for n, row in got.items()}
    ordinary = callgrind(out("xml"), "count", corpus(200000), CHUNK, "xmpp.h")[0]["xmpp.h"] / os.path.getsize(corpus(200000))
    got = shapes(stream.HOSTILE)
    table("Hostile shapes, instructions a byte", ["shape"] + list(parsers) + ["xmpp.h to ordinary"],
          [[name] + [cell(row[p]) for p in parsers] + ["%.2f" % (row["xmpp.h"][0] / ordinary)] for name, row in got.items()],
          "Ordinary is the generated stream: %.1f." % ordinary)
    results["hostile"] = {name: row["xmpp.h"][0] / ordinary for name, row in got.items()}
    path = lines(300000)
    answers = out("answers.txt")
    with open(path, "rb") as f, open(answers, "wb") as g:
        g.write(b"".join(s for s in f if s.startswith(b"<iq")))
    rows = []
    for n in (0, 1, 10, 100, 248):
        row = [n]
        for p in (path, answers):
            counts, said = callgrind(out("feed"), "iqs", p, str(n))
            row.append(counts["iqs"] / int(said.split()[1]))
        rows.append(row)
    table("Requests under way", ["requests", "instructions a stanza, all kinds", "of answers alone"], [[n, thousands(a), thousands(b)] for n, a, b in rows],
          "With XMPP_CFG_IQS=250, which alone costs something with every event.")
    results["curve: requests"] = {n: [a, b] for n, a, b in rows}
    rows = []
    for n in (1, 10, 100, 1000, 10000):
        counts, _ = callgrind(out("feed"), "sessions", path, str(n)) if n <= 1000 else ({}, "")
        cpu = [float(call(out("feed"), "sessions", path, str(n)).split()[5]) for _ in range(5)]
        stanzas = sum(1 for _ in open(path, "rb"))
        rows.append([thousands(n), thousands(counts["sessions"] / stanzas) if counts else "-", spread([t * 1e6 / stanzas for t in cpu], "%.2f")])
    table("Sessions in a process, a stanza to each in turn", ["sessions", "instructions a stanza", "microseconds a stanza"], rows,
          "Caches hold some sessions and not thousands: the time grows by that, the work does not.")


def part_held():
    path = lines(30000)
    cuts = dict(line.split() for line in call(out("feed"), "cuts", path).splitlines())
    rows = [["xmpp.h, the client", cuts["delivered"], cuts["held"]]]
    rows += [line.split("\t") for line in call(out("xml"), "held", path).splitlines()]
    table("A stanza in pieces: is it there with its last byte?", ["parser", "there", "held back"], rows,
          "The client: in two pieces, cut everywhere, and byte by byte. The parsers: in three, cut near the end." +
          ("" if all(r[2] == "0" for r in rows) else " libstrophe leaves expat's reparse deferral on: a stanza whose last tag was cut "
           "waits for what comes next."))


def part_m4():
    folder = out("m4")
    os.makedirs(folder, exist_ok=True)
    target = ["-mcpu=cortex-m4", "-mthumb", "--specs=nano.specs"]
    # as tests/size.sh compiles it
    call("arm-none-eabi-gcc", "-std=c99", "-Os", "-ffunction-sections", "-fdata-sections", "-fcallgraph-info=su", "-I" + HEADERS, *target,
         "-DXMPP_NO_POSIX", "-DXMPP_IMPLEMENTATION", "-x", "c", "-c", "-o", folder + "/xmpp.o", os.path.join(HEADERS, "xmpp.h"))
    call("arm-none-eabi-gcc", "-std=gnu99", "-Os", "-Wall", "-Wextra", "-I" + HEADERS, *target, "-nostartfiles", "-Wl,--gc-sections",
         "-Wl,--no-warn-rwx-segments", "-T", source("m4.ld"), "-o", folder + "/m4.elf", source("m4.c"), folder + "/xmpp.o")
    path = corpus(500000)
    said = subprocess.run(["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-icount", "shift=4",
                           "-kernel", folder + "/m4.elf", "-semihosting-config", "enable=on,target=native,arg=" + os.path.relpath(path, TOP)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, cwd=TOP)
    got = re.findall(r"^(.*) (\d+)$", said.stdout.decode(errors="replace"), re.M)
    got = {name: int(v) for name, v in got}
    if said.returncode != 0 or abs(got["loop of 200000"] * 2.5 - 200000) > 100 or got["bytes"] != os.path.getsize(path):
        raise Failure("qemu: exit status %d: %s" % (said.returncode, said.stdout.decode(errors="replace")[-500:]))
    rows = [[words, "%.1f" % (got[name] * 2.5 / got["bytes"])] for words, name in (("tokenizer", "tokens"), ("tokenizer and tree", "tree"))]
    table("Cortex-M4, -Os, the object of the table of sizes", ["", "instructions a byte"], rows,
          "%s bytes in pieces of 1,460; QEMU's count of instructions (-icount), not cycles." % thousands(got["bytes"]))
    results["cortex-m4"] = {words: float(v) for words, v in rows}


# ---- quick: the same results ----

def quick():
    counts = {"passed": 0, "failed": 0}

    def verdict(words, good, why=""):
        counts["passed" if good else "failed"] += 1
        print("%s %s%s" % ("ok  " if good else "FAIL", words, ": " + why if not good and why else ""))
    build(["xml", "feed"])
    for seed, size, chunk in ((1, 400000, "1460"), (2, 100000, "7"), (3, 50000, "1"), (4, 200000, "65536")):
        rows = [line.split("\t") for line in call(out("xml"), "check", corpus(size, seed), chunk).splitlines()]
        verdict("seed %d in pieces of %s: all is read, nothing skipped" % (seed, chunk), all(r[2] == "read" and r[6] == "0" for r in rows), str(rows))
        strict = [r for r in rows if r[1] == "1"]
        verdict("seed %d: xmpp.h, its trees as XML, expat and libxml2 find the same names, namespaces, attributes and text" % seed,
                len(strict) == 8 and len({r[7] for r in strict}) == 1, str([(r[0], r[7]) for r in strict]))
        verdict("seed %d: all find as many elements" % seed, len({r[3] for r in rows if "tree" not in r[0]}) == 1 and int(rows[0][3]) > 500)
        trees = [r for r in rows if "tree" in r[0]]
        verdict("seed %d: all trees hold the same senders and bodies" % seed, len({(r[3], r[4], r[5]) for r in trees}) == 1 and len(trees) == 5,
                str(trees))
    accepted = [line for line in call(out("xml"), "strict").splitlines() if line.startswith("xmpp.h") and not line.endswith("refuses")]
    verdict("whatever is ill-formed or forbidden is refused", not accepted, "; ".join(accepted))
    cuts = dict(line.split() for line in call(out("feed"), "cuts", lines(20000)).splitlines())
    verdict("the client tells of a stanza when its last byte is in, wherever it was cut", cuts["held"] == "0" and int(cuts["delivered"]) > 10000, str(cuts))
    held = [line.split("\t") for line in call(out("xml"), "held", lines(20000)).splitlines()]
    verdict("and so does the tree", all(h[2] == "0" and int(h[1]) > 5000 for h in held if h[0].startswith("xmpp.h")), str(held))
    os.makedirs(os.path.join(TOP, "build", "results"), exist_ok=True)
    with open(os.path.join(TOP, "build", "results", "bench.count"), "w") as f:
        f.write("%(passed)d %(failed)d\n" % counts)
    print("%(passed)d passed, %(failed)d failed" % counts)
    return 1 if counts["failed"] else 0


NEEDS = {"xml": ["xml"], "path": ["path"], "writer": ["writer", "xml"], "kdf": ["kdf"], "memory": ["path"], "curves": ["xml", "feed"],
         "held": ["xml", "feed"], "m4": []}


def main():
    if sys.argv[1:] == ["--quick"]:
        return quick()
    parts = sys.argv[1:] or list(NEEDS)
    if not set(parts) <= set(NEEDS):
        print(__doc__, file=sys.stderr)
        return 2
    build(sorted({b for p in parts for b in NEEDS[p]}))
    for p in parts:
        globals()["part_" + p]()
    with open(out("results.json"), "w") as f:
        json.dump(results, f, indent=1)
    if len(parts) == len(NEEDS):
        with open(out("ratios.svg"), "w") as f:
            f.write(picture.svg(results))
        print("\nbuild/bench/ratios.svg: the ratios as a picture")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as e:
        print("FAIL", e, file=sys.stderr)
        sys.exit(1)
