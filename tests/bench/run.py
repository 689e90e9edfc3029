#!/usr/bin/python3
"""run.py [PART...]: what xmpp.h costs, beside its peers, over the same input and in one run. Prints tables;
build/bench/results.json has the figures, build/bench/ratios.svg the ratios. Parts: xml path writer kdf memory curves held m4.
A peer that is not installed is left out, and said so. HEADERS=DIR: the headers of that folder, to compare versions.

run.py readme: all parts, then writes the README's table and tests/bench/ratios.svg.
run.py --quick: xmpp.h alone, no times: is every figure within its bound, and the README's too? `make check` runs it.

Instructions are counted by callgrind, user space alone: they hardly differ from run to run. Times are CPU time, the
kernel's too: median [least-most] of rounds in which all take turns; ratios are taken inside a round."""
import concurrent.futures
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(TOP, "build", "bench")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "interop")]
sys.dont_write_bytecode = True
import figures                                      # noqa: E402
import picture                                      # noqa: E402
import server                                       # noqa: E402
import stream                                       # noqa: E402

HEADERS = os.path.abspath(os.environ.get("HEADERS", TOP))
README = os.path.join(TOP, "README.md")
CC = os.environ.get("CC", "cc").split()
CHUNK = "1460"                                      # a TCP segment of Ethernet
SEED = 1
OURS = ("xmpp.h", "xmpp.h portable", "xmpp.h -Os")
CLIENTS = ("xmpp.h", "libstrophe", "iksemel", "loudmouth", "gloox")
WARN = ["-gdwarf-4", "-Wall", "-Wextra"]    # valgrind 3.19 cannot read the DWARF 5 of clang
STROPHE = ["-l:libstrophe.a", "-lexpat", "-lssl", "-lcrypto", "-lresolv", "-lm"]
# name: header, what it is compiled and linked with, its Debian package
PEERS = {
    "expat": ("expat.h", ["-lexpat"], "libexpat1"),
    "libxml2": ("libxml/parser.h", ["libxml-2.0"], "libxml2"),
    "iksemel": ("iksemel.h", ["-liksemel"], "libiksemel3"),
    "libstrophe": ("strophe.h", STROPHE, "libstrophe0"),
    "loudmouth": ("loudmouth/loudmouth.h", ["loudmouth-1.0"], "libloudmouth1-0"),
    "gloox": ("gloox/gloox.h", ["-lgloox"], "libgloox18"),
    "OpenSSL": ("openssl/evp.h", ["-lcrypto"], "libssl3"),
    "BearSSL": ("bearssl.h", ["-lbearssl"], "libbearssl0"),
}
here = {}           # peer: the flags of those that are there
results = {}


class Failure(Exception):
    pass


# ---- what is there ----

def call(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=TOP, **more)
    if done.returncode != 0:
        raise Failure("%s: exit status %d\n%s" % (" ".join(argv[:6]), done.returncode, done.stderr.decode(errors="replace")[-2000:]))
    return done.stdout.decode()


def out(name):
    return os.path.join(OUT, name)


def source(name):
    return os.path.join("tests", "bench", name)


def flags_of(peer):
    """None: it is not installed."""
    header, flags, _ = PEERS[peer]
    try:
        if not flags[0].startswith("-"):
            flags = call("pkg-config", "--cflags", "--libs", flags[0]).split()
        compiler = ["g++", "-x", "c++"] if peer == "gloox" else CC + ["-x", "c"]
        call(*compiler, "-o", out("there"), "-", *flags, input=b"#include <stdio.h>\n#include <%s>\nint main(void) { return 0; }\n" % header.encode())
    except (Failure, FileNotFoundError):
        return None
    return flags


def find(peers):
    os.makedirs(OUT, exist_ok=True)
    here.update({p: flags for p, flags in zip(peers, map(flags_of, peers)) if flags is not None})


def version(peer):
    try:
        return call("dpkg-query", "-W", "-f", "${Version}", PEERS[peer][2])
    except (Failure, FileNotFoundError):
        return ""


def compiler():
    """Such as "gcc 12.2.0"."""
    said = call(*CC, "--version").split("\n")[0]
    return "%s %s" % ("clang" if "clang" in said else "gcc", (re.findall(r"\d+\.\d+(?:\.\d+)?", said) or ["?"])[-1])


def versions():
    """What the figures were made with, in a line. Of a Debian package's version: what upstream calls it."""
    peers = ", ".join("%s %s" % (p, version(p).split("-")[0].split("+")[0]) for p in here)
    return "%s at -O2, %s; %s" % (compiler(), os.uname().machine, peers)


def there(names):
    """Of names as the tables have them, those of xmpp.h and of peers that are there."""
    return [n for n in names if n.startswith("xmpp.h") or n.split(" ")[0] in here]


# ---- building ----

def have():
    return ["-DHAVE_" + p.upper() for p in here]


def private(name, keep, *argv):
    """An object that keeps its names to itself: libstrophe's begin with xmpp_ too."""
    call(*argv, "-c", "-o", out(name))
    call("objcopy", *[arg for k in keep for arg in ("-G", k)], out(name))


def linked(*peers):
    """Without those of libstrophe's archive: STROPHE."""
    return [f for p in peers if p in here for f in here[p] if f not in STROPHE]


def build_xml():
    attributes = "-DATTRIBUTES=" + ",".join('"%s"' % a for a in stream.ATTRIBUTES)
    for words, name, more in zip(OURS, ("ours", "ours_portable", "ours_small"), (["-O2"], ["-O2", "-DXMPP_CFG_SIMD=0"], ["-Os"])):
        yield lambda name=name, more=more, words=words: private(
            "xml_%s.o" % name, (name, name + "_tree"), *CC, *WARN, *more, "-I" + HEADERS, attributes, "-DOURS=" + name,
            '-DNAME="%s"' % words, source("xml_ours.c"))
    yield lambda: call(*CC, *WARN, "-O2", *have(), *linked("libxml2"), "-c", "-o", out("xml_peers.o"), source("xml_peers.c"))
    yield lambda: call(*CC, *WARN, "-O2", *have(), "-c", "-o", out("xml.o"), source("xml.c"))


def link_xml():
    call(*CC, "-o", out("xml"), *[out("xml%s.o" % n) for n in ("", "_peers", "_ours", "_ours_portable", "_ours_small")],
         *(STROPHE if "libstrophe" in here else []), *linked("iksemel", "libxml2"), "-lexpat")


def build_feed():
    yield lambda: call(*CC, *WARN, "-O2", "-I" + HEADERS, "-o", out("feed"), source("feed.c"))


def build_path():
    sources = {"xmpp.h": "client_ours.c", "gloox": "client_gloox.cc"}
    for client in there(CLIENTS):
        flags = ["-lbearssl"] if client == "xmpp.h" else ["-lstrophe"] if client == "libstrophe" else here[client]
        yield lambda client=client, flags=flags: call(
            *(["g++"] if client == "gloox" else CC), *WARN, "-O2", "-I" + HEADERS, "-o", out("client " + client),
            source(sources.get(client, "client_%s.c" % client.replace("lib", ""))), *flags)
    yield lambda: call(*CC, *WARN, "-O2", "-shared", "-fPIC", "-o", out("heap.so"), source("heap.c"))


def build_writer():
    yield lambda: private("writer_ours.o", ("writer_calls", "writer_template"), *CC, *WARN, "-O2", "-I" + HEADERS, source("writer_ours.c"))
    yield lambda: call(*CC, *WARN, "-O2", *have(), "-c", "-o", out("writer.o"), source("writer.c"))
    yield lambda: call(*CC, *WARN, "-O2", *have(), *linked("loudmouth"), "-c", "-o", out("writer_peers.o"), source("writer_peers.c"))
    if "gloox" in here:
        yield lambda: call("g++", *WARN, "-O2", "-c", "-o", out("writer_gloox.o"), source("writer_gloox.cc"))


def link_writer():
    gloox = "gloox" in here
    call(*(["g++"] if gloox else CC), "-o", out("writer"), *[out("writer%s.o" % n) for n in ["", "_ours", "_peers"] + ["_gloox"] * gloox],
         *(["-lstrophe"] if "libstrophe" in here else []), *linked("iksemel", "gloox", "loudmouth"))


def build_kdf():
    yield lambda: private("kdf_ours.o", ("kdf_ours",), *CC, *WARN, "-O2", "-I" + HEADERS, source("kdf_ours.c"))


def link_kdf():
    call(*CC, *WARN, "-O2", *have(), "-o", out("kdf"), source("kdf.c"), out("kdf_ours.o"), *(STROPHE if "libstrophe" in here else []),
         "-lbearssl", *linked("OpenSSL"))


def build(what):
    jobs = [job for name in what if "build_" + name in globals() for job in globals()["build_" + name]()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(job) for job in jobs]:
            done.result()
    for name in what:
        if "link_" + name in globals():
            globals()["link_" + name]()


# ---- measuring ----

def callgrind(*argv):
    """{name: instructions} of the marks that the program set; what it printed."""
    counts = {}
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        said = call("valgrind", "--tool=callgrind", "--callgrind-out-file=" + os.path.join(folder, "out"), *argv)
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
    return "-" if to is None else spread([v / t for v, t in zip(values, to)], "%.2f")


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


def write(name, data):
    """The path of a file in OUT; others may be reading it."""
    with tempfile.NamedTemporaryFile(dir=OUT, delete=False) as f:
        f.write(data)
    os.replace(f.name, out(name))
    return out(name)


def corpus(size, seed=SEED):
    """The path of a stream of so many bytes."""
    return write("%d-%d.xml" % (size, seed), stream.whole(stream.Stream(seed).stanzas(size)))


def lines(size, seed=SEED):
    """The path of a file with a stanza in each line."""
    return write("%d-%d.txt" % (size, seed), b"\n".join(stream.Stream(seed).stanzas(size)))


# ---- what is measured: each fills in results ----

def measure_xml():
    """Instructions a byte of each tokenizer and each tree."""
    path = corpus(1000000)
    for name, count in callgrind(out("xml"), "count", path, CHUNK)[0].items():
        results.setdefault("tree" if name.endswith(" + tree") else "tokenizer", {})[name.replace(" + tree", "")] = count / os.path.getsize(path)
    return os.path.getsize(path)


def blast_for(client, stanzas):
    blast = b"".join(stanzas)
    # gloox ends the stream at a character beyond the BMP that is given by number
    return blast.replace(b"&#x1F600;", b"") if client == "gloox" else blast


def fields(said):
    words = said.split()
    return {k: float(v) for k, v in zip(words[0::2], words[1::2])}


def run_client(client, port, *args, env=None):
    return fields(call(out("client " + client), str(port), *args, env=dict(os.environ, **(env or {})), timeout=600))


def wanted(stanzas):
    return str(sum(not s.startswith(b"<iq") for s in stanzas))


def measure_path():
    """From socket to handler: instructions of 450 bytes, allocations of a stanza. Returns bytes requested of a stanza."""
    stanzas = stream.Stream(SEED).stanzas(500000)
    size, requested = sum(map(len, stanzas)) / len(stanzas), {}
    served = server.Server()
    for client in there(CLIENTS):
        served.blast = blast_for(client, stanzas)
        heap = run_client(client, served.port, "blast", wanted(stanzas), env={"LD_PRELOAD": out("heap.so")})
        count = callgrind(out("client " + client), str(served.port), "blast", wanted(stanzas))[0]["blast"]
        results.setdefault("path", {})[client] = count / len(stanzas) * 450 / size
        results.setdefault("allocations", {})[client] = heap["calls"] / len(stanzas)
        requested[client] = heap["requested"] / len(stanzas)
    served.close()
    return requested, len(stanzas), size


def measure_writer():
    counts, said = callgrind(out("writer"), "count")
    n = int(said.split("\n")[0].split("\t")[3])
    results["writer"] = {w: c / n for w, c in counts.items()}
    hashes = {}
    for writer in counts:
        with open(out("written.xml"), "w") as f:
            f.write(call(out("writer"), "print", writer))
        rows = [line.split("\t") for line in call(out("xml"), "check", out("written.xml"), CHUNK).splitlines()]
        hashes[writer] = [r[7] for r in rows if r[0] == "expat with namespaces"]
    if len({str(h) for h in hashes.values()}) != 1:
        raise Failure("they do not write the same: %s" % hashes)
    return n


def measure_kdf():
    counts, said = callgrind(out("kdf"), "count")
    n = int(said.split("\n")[0].split("\t")[2])
    for name, count in counts.items():
        library, kind = name.rsplit(" ", 1)
        results.setdefault("PBKDF2 " + kind, {})[library] = count / n


def message(size):
    """A chat message of so many bytes, with what clients put into it."""
    text = stream.Stream(SEED).chat()
    return text.replace("</body>", "x" * (size - len(text.encode())) + "</body>").encode()


def session_bytes(client, port, n, *args):
    """Heap bytes of a session: what the last ones took; and of the first, with what all share; and what it says of itself."""
    said = call(out("client " + client), str(port), "idle", str(n), *args, env=dict(os.environ, LD_PRELOAD=out("heap.so")), timeout=600)
    live = [int(line.split()[3]) for line in said.splitlines() if line.startswith("sessions")]
    if len(live) != n + 1:
        raise Failure("%s: %d sessions of %d" % (client, len(live) - 1, n))
    return (live[-1] - live[1]) / (n - 1), live[1] - live[0], said.splitlines()[-1]


TLS = (("xmpp.h, records of 512 bytes", "small"), ("xmpp.h, records of 16 KB",), ("libstrophe",), ("gloox",))


def measure_memory():
    """Returns what the first session took, and the sizes of what ours is made of."""
    import servers
    first, sizes = {"memory, plain": {}, "memory, TLS": {}}, ""
    place = servers.Place()
    served = server.Server(place.certs["server"].pem)
    served.blast = message(1024)
    try:
        for client in there(("xmpp.h", "iksemel", "libstrophe", "gloox")):
            served.scram = client == "xmpp.h"
            more, first["memory, plain"][client], said = session_bytes(client, served.port, 50, "plain")
            results.setdefault("memory, plain", {})[client] = more
            sizes = said if client == "xmpp.h" else sizes
        served.tls = True
        for words, *small in TLS:
            client = words.split(",")[0]
            served.scram = client == "xmpp.h"
            if there([client]):
                more, first["memory, TLS"][words], _ = session_bytes(client, served.port, 10, "tls", place.certs["ca"].crt, *small)
                results.setdefault("memory, TLS", {})[words] = more
    finally:
        served.close()
        place.close()
    return first, sizes


def shapes(named, parsers):
    """{name: {parser: (instructions a byte, what became of it, instructions an element)}}"""
    got, paths = {}, {}
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        for i, (name, stanza) in enumerate(named.items()):
            path = os.path.join(folder, "%d.xml" % i)
            with open(path, "wb") as f:
                f.write(stream.shape(200000, stanza))
            paths[path] = name
        for parser in parsers:
            counts, said = callgrind(out("xml"), "shapes", parser, CHUNK, *paths)
            for line in said.splitlines():
                path, result, elements, skipped = line.split("\t")
                got.setdefault(paths[path], {})[parser] = (counts[path] / os.path.getsize(path),
                                                           "refused" if result == "refused" else "skipped" if int(skipped) else "",
                                                           counts[path] / max(1, int(elements)))
    return got


def measure_curves(parsers=("xmpp.h", "xmpp.h + tree")):
    """results["curves"]: {what grows: {n: cost of the first parser}}. Returns all of the tables' cells."""
    curves, cells = results.setdefault("curves", {}), {}
    for title, (_, stanzas) in stream.GROWING.items():
        got = cells[title] = shapes({str(n): s for n, s in stanzas.items()}, parsers)
        curves[title] = {n: row[parsers[0]][0] for n, row in got.items()}
    return cells


def measure_large(what, sizes):
    """Instructions a byte of one stanza of the client's, by its size."""
    curve = results.setdefault("curves", {}).setdefault(what, {})
    for n in sizes:
        counts, said = callgrind(out("feed"), what, str(n))
        curve[str(n)] = counts[what] / fields(said)["bytes"]


def measure_requests():
    path = lines(300000)
    with open(path, "rb") as f:
        answers = write("answers.txt", b"".join(s for s in f if s.startswith(b"<iq")))
    for title, p in (("requests under way", path), ("requests under way, answers alone", answers)):
        curve = results.setdefault("curves", {}).setdefault(title, {})
        for n in (0, 1, 10, 100, 248):
            counts, said = callgrind(out("feed"), "iqs", p, str(n))
            curve[str(n)] = counts["iqs"] / fields(said)["stanzas"]


def measure_sessions():
    path = lines(300000)
    curve = results.setdefault("curves", {}).setdefault("sessions in the process", {})
    for n in (1, 10, 100, 1000):
        counts, said = callgrind(out("feed"), "sessions", path, str(n))
        curve[str(n)] = counts["sessions"] / fields(said)["stanzas"]


def measure_hostile(parsers=("xmpp.h",)):
    """results["hostile"]: what each shape costs to the ordinary, a byte and an element; those that are skipped are left out.
    Returns all cells, and the ordinary: the generated stream."""
    path = corpus(200000)
    counts, said = callgrind(out("xml"), "count", path, CHUNK, "xmpp.h")
    ordinary = counts["xmpp.h"] / os.path.getsize(path), counts["xmpp.h"] / int(said.splitlines()[0].split("\t")[2])
    got = shapes(stream.HOSTILE, parsers)
    results["hostile"] = {name: [row["xmpp.h"][0] / ordinary[0], row["xmpp.h"][2] / ordinary[1]]
                          for name, row in got.items() if not row["xmpp.h"][1]}
    return got, ordinary


def measure_held():
    """{who: (stanzas that were there with their last byte, stanzas that were not)}"""
    path = lines(30000)
    cuts = fields(call(out("feed"), "cuts", path))
    held = {"xmpp.h, the client": (int(cuts["delivered"]), int(cuts["held"]))}
    for line in call(out("xml"), "held", path).splitlines():
        name, good, bad = line.split("\t")
        held[name] = (int(good), int(bad))
    return held


def run_m4(name, *more):
    """Instructions a byte of the tokenizer and the tree on a Cortex-M4 in QEMU; more: for the compiler. And the bytes."""
    folder = out(name)
    os.makedirs(folder, exist_ok=True)
    target = ["-mcpu=cortex-m4", "-mthumb", "--specs=nano.specs"]
    # as tests/size.sh compiles it
    call("arm-none-eabi-gcc", "-std=c99", "-Os", "-ffunction-sections", "-fdata-sections", "-fcallgraph-info=su", "-I" + HEADERS, *target, *more,
         "-DXMPP_NO_POSIX", "-DXMPP_IMPLEMENTATION", "-x", "c", "-c", "-o", folder + "/xmpp.o", os.path.join(HEADERS, "xmpp.h"))
    call("arm-none-eabi-gcc", "-std=gnu99", "-Os", "-Wall", "-Wextra", "-I" + HEADERS, *target, *more, "-nostartfiles", "-Wl,--gc-sections",
         "-Wl,--no-warn-rwx-segments", "-T", source("m4.ld"), "-o", folder + "/m4.elf", source("m4.c"), folder + "/xmpp.o")
    path = corpus(500000)
    said = subprocess.run(["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-icount", "shift=4",
                           "-kernel", folder + "/m4.elf", "-semihosting-config", "enable=on,target=native,arg=" + os.path.relpath(path, TOP)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, cwd=TOP)
    got = {name: int(v) for name, v in re.findall(r"^(.*) (\d+)$", said.stdout.decode(errors="replace"), re.M)}
    if said.returncode != 0 or abs(got["loop of 200000"] * 2.5 - 200000) > 100 or got["bytes"] != os.path.getsize(path):
        raise Failure("qemu: exit status %d: %s" % (said.returncode, said.stdout.decode(errors="replace")[-500:]))
    return got["tokens"] * 2.5 / got["bytes"], got["tree"] * 2.5 / got["bytes"], got["bytes"]


def measure_m4():
    results["cortex-m4"] = {}
    for words, name, more in (("", "m4", ()), (", XMPP_CFG_FAST 1", "m4-fast", ("-DXMPP_CFG_FAST=1",))):
        tokens, tree, n = run_m4(name, *more)
        results["cortex-m4"].update({"tokenizer" + words: tokens, "tokenizer and tree" + words: tree})
    return n


# ---- the parts: tables of what was measured, and times ----

def ranked(counts):
    return sorted(counts, key=lambda name: (not name.startswith("xmpp.h"), counts[name]))


def part_xml():
    n, large, rounds = measure_xml(), corpus(8000000), 9
    big = os.path.getsize(large)
    taken = times(call(out("xml"), "time", large, CHUNK, str(rounds)))
    for key, more, title, base in (("tokenizer", "", "Tokenizer", "expat with namespaces"),
                                   ("tree", " + tree", "Tokenizer and a tree of each stanza", "libstrophe + tree")):
        counts = results[key]
        table(title, ["parser", "instructions a byte", "MB a second", "CPU, ratio to " + base.split()[0]],
              [[p + more, "%.1f" % counts[p], spread([big / 1e6 / t for t in taken[p + more]], "%.0f"), ratio(taken[p + more], taken.get(base))]
               for p in ranked(counts)],
              "%s bytes counted, %s bytes timed, in pieces of %s; %d rounds." % (thousands(n), thousands(big), CHUNK, rounds))
    said, accepted = {}, {}
    for line in call(out("xml"), "strict").splitlines():
        parser, what, answer = line.split("\t")
        said.setdefault(parser, []).append(answer == "refuses")
        if answer != "refuses":
            accepted.setdefault(parser, []).append(what)
    table("What is ill-formed or forbidden by RFC 6120 11, %d examples" % len(said[OURS[0]]), ["parser", "refuses", "accepts"],
          [[p, said[p].count(True), said[p].count(False)] for p in said if p not in OURS[1:]],
          "\n".join("%s accepts: %s." % (p, ", ".join(words)) for p, words in accepted.items()))


def part_path():
    rounds, big = 5, stream.Stream(SEED).stanzas(8000000)
    requested, n, size = measure_path()
    served, taken = server.Server(), {}
    for _ in range(rounds):
        for client in there(CLIENTS):
            served.blast = blast_for(client, big)
            got = run_client(client, served.port, "blast", wanted(big))
            taken.setdefault(client, []).append(got["cpu"])
            if got["message"] + got["presence"] != float(wanted(big)):
                raise Failure(client + " lost stanzas")
    served.close()
    counts, base = results["path"], taken.get("libstrophe")
    table("Full path: from socket to handler, over loopback",
          ["client", "instructions a stanza", "per 450 bytes", "CPU s per 100,000 stanzas", "CPU, ratio to libstrophe", "allocations a stanza",
           "bytes allocated a stanza"],
          [[c, thousands(counts[c] * size / 450), thousands(counts[c]), spread([t * 1e5 / len(big) for t in taken[c]], "%.2f"),
            ratio(taken[c], base), "%.1f" % results["allocations"][c], thousands(requested[c])] for c in taken],
          "%s stanzas of %.0f bytes counted, %s timed; %d rounds. Instructions are those of user space; CPU time has the kernel's too."
          % (thousands(n), size, thousands(len(big)), rounds))
    if base:
        results["path CPU"] = {c: statistics.median(a / b for a, b in zip(taken[c], base)) for c in taken}


def part_writer():
    n, taken = measure_writer(), times(call(out("writer"), "time", "9"))
    counts = results["writer"]
    table("Writing a chat message with a body, two payloads and escapes", ["library", "instructions a message", "microseconds", "CPU, ratio to libstrophe"],
          [[w, thousands(counts[w]), spread([t * 1e6 / n for t in taken[w]], "%.2f"), ratio(taken[w], taken.get("libstrophe"))] for w in ranked(counts)])


def part_kdf():
    measure_kdf()
    taken = times(call(out("kdf"), "time", "9"))
    for kind in ("SHA-1", "SHA-256"):
        counts = results["PBKDF2 " + kind]
        table("SCRAM login: PBKDF2 with " + kind, ["library", "instructions an iteration", "ms for 4,096", "CPU, ratio to OpenSSL"],
              [[k, thousands(counts[k]), spread([t * 1e3 for t in taken[k + " " + kind]], "%.2f"),
                ratio(taken[k + " " + kind], taken.get("OpenSSL " + kind))] for k in ranked(counts)])


def part_memory():
    first, sizes = measure_memory()
    said = fields(sizes.partition(" ")[2])
    words = {
        "memory, plain": "xmpp.h: client %(client)d, account %(account)d and transport %(transport)d bytes, rx %(rx)d, arena %(arena)d, queue "
        "%(queue)d. Each session of it was logged in by SCRAM-SHA-256, sent presence and got a message of 1,024 bytes; the others are logged in, "
        "no more. 50 sessions in one process; heap with its headers." % said,
        "memory, TLS": "10 sessions in one process, each told of one authority. xmpp.h keeps authorities and what a handshake needs once for "
        "all of them; libstrophe and gloox load the system's authorities too, for each session."}
    for key, title in (("memory, plain", "Memory of an idle session, without TLS"), ("memory, TLS", "Memory of an idle session, TLS")):
        table(title, ["client", "bytes a session", "the first"],
              [[c, thousands(v), thousands(first[key][c])] for c, v in results.get(key, {}).items()], words[key])


def cell(pair):
    return "%.1f%s" % (pair[0], " (%s)" % pair[1] if pair[1] else "")


def part_curves():
    parsers = ("xmpp.h", "xmpp.h + tree", "expat with namespaces")
    for title, got in measure_curves(parsers).items():
        table("Instructions a byte against " + title, [stream.GROWING[title][0]] + list(parsers),
              [[thousands(int(n))] + [cell(row[p]) for p in parsers] for n, row in got.items()])
    measure_large("roster", (10, 100, 1000, 10000))
    measure_large("skip", (10000, 100000, 1000000))
    curves = results["curves"]
    for what, title, unit in (("roster", "a roster's contacts, in parts", "contacts"), ("skip", "the size of a message that is skipped", "bytes")):
        table("Instructions a byte against " + title, [unit, "xmpp.h, the client"], [[thousands(int(n)), "%.1f" % v] for n, v in curves[what].items()],
              "One stanza of the whole client, with an arena of 1 KB.")
    got, ordinary = measure_hostile(parsers)
    table("Hostile shapes, instructions a byte", ["shape"] + list(parsers) + ["xmpp.h to ordinary", "an element", "to ordinary"],
          [[name] + [cell(row[p]) for p in parsers] + ["%.2f" % (row["xmpp.h"][0] / ordinary[0]), thousands(row["xmpp.h"][2]),
                                                       "%.2f" % (row["xmpp.h"][2] / ordinary[1])] for name, row in got.items()],
          "Ordinary is the generated stream: %.1f a byte, %s an element. The aim is at most %d times that a byte; what is above it has "
          "elements of a few bytes, each at most %d times an ordinary one." % (ordinary[0], thousands(ordinary[1]), HOSTILE, HOSTILE_ELEMENT))
    measure_requests()
    every, answers = curves["requests under way"], curves["requests under way, answers alone"]
    table("Requests under way", ["requests", "instructions a stanza, all kinds", "of answers alone"],
          [[n, thousands(every[n]), thousands(answers[n])] for n in every], "With XMPP_CFG_IQS=250, which alone costs something with every event.")
    measure_sessions()
    path, rows = lines(300000), []
    for n in (1, 10, 100, 1000, 10000):
        runs = [fields(call(out("feed"), "sessions", path, str(n))) for _ in range(5)]
        counted = curves["sessions in the process"].get(str(n))
        rows.append([thousands(n), thousands(counted) if counted else "-", spread([r["cpu"] * 1e6 / r["stanzas"] for r in runs], "%.2f")])
    table("Sessions in a process, a stanza to each in turn", ["sessions", "instructions a stanza", "microseconds a stanza"], rows,
          "Caches hold some sessions and not thousands: the time grows by that, the work does not.")


def arrives(served, client):
    """Does it have a message 2 seconds after its last byte? It waits for nothing else."""
    try:
        run = subprocess.run([out("client " + client), str(served.port), "blast", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             timeout=2 + served.pause * len(served.pieces))
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def part_held():
    held = measure_held()
    table("A stanza in pieces: is it there with its last byte?", ["parser", "there", "held back"], [[name, good, bad] for name, (good, bad) in held.items()],
          "The client: in two pieces, cut everywhere, and byte by byte. The parsers: in three, cut near the end.")
    stanza, served, rows = stream.Stream(SEED).chat().encode(), server.Server(), []
    tag, served.pause = len("</message>"), 0.2
    cuts = [[stanza[:-tag], stanza[-tag:-k], stanza[-k:]] for k in range(1, tag)]
    for client in there(CLIENTS):
        good = 0
        for served.pieces in cuts:
            good += arrives(served, client)
        rows.append([client, good, len(cuts) - good])
    served.close()
    table("The same over loopback: a message in three pieces, cut before and in its last tag", ["client", "there", "held back"], rows,
          "Held back: its handler was not called within 2 seconds of the last byte, as long as nothing followed. expat %s." % version("expat")
          + (" libstrophe leaves expat's reparse deferral on: a tag that was cut is tried again when twice as much is there."
             if any(bad for _, _, bad in rows) or any(bad for _, bad in held.values()) else
             " A libstrophe over an expat with reparse deferral (2.6, and Debian's 2.5.0 since 2.5.0-1+deb12u2) would hold some back."))


def part_m4():
    if not (shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm")):
        print("\nCortex-M4: skipped, it needs arm-none-eabi-gcc and qemu-system-arm")
        return
    n = measure_m4()
    table("Cortex-M4, -Os, the object of the table of sizes", ["", "instructions a byte"], [[k, "%.1f" % v] for k, v in results["cortex-m4"].items()],
          "%s bytes in pieces of 1,460; QEMU's count of instructions (-icount), not cycles." % thousands(n))


# ---- quick: bounds ----

# key, name, at most; and the aim where that is not reached: then "at most" keeps what was
BOUNDS = (
    ("tokenizer", "xmpp.h", 18, None),
    ("tokenizer", "xmpp.h portable", 22, None),
    ("tree", "xmpp.h", 25, None),
    ("path", "xmpp.h", 13000, None),
    ("allocations", "xmpp.h", 0, None),
    ("PBKDF2 SHA-1", "xmpp.h", 3500, None),
    ("PBKDF2 SHA-256", "xmpp.h", 6900, None),
    ("memory, plain", "xmpp.h", 3000, None),
    ("memory, TLS", "xmpp.h, records of 512 bytes", 9000, None),
    ("memory, TLS", "xmpp.h, records of 16 KB", 25000, None),
    ("cortex-m4", "tokenizer", 182, 28),
    ("cortex-m4", "tokenizer, XMPP_CFG_FAST 1", 28, None),
)
COMPILER = "gcc 12"     # whose counts they are
COUNTED = ("tokenizer", "tree", "path", "PBKDF2 SHA-1", "PBKDF2 SHA-256")       # depend on the compiler
GROWTH = 1.1        # times what less of it costs, a byte or a stanza
GROWTH_REACHED = {"declared prefixes in use": 1.3}
HOSTILE = 3.0       # times the ordinary cost a byte. Beyond it: elements of a few bytes, which cost less than twice an ordinary element
HOSTILE_REACHED = {"<a/> alone": 6.3, "xmlns alone": 3.4, "32 declarations, a hundred names": 4.5, "a prefix declared 30 elements above": 5.4}
HOSTILE_ELEMENT = 2.0


def growth(curve):
    """The most that any n costs, to any smaller n."""
    least, most = None, 0
    for v in curve.values():
        most = max(most, v / least if least else 0)
        least = min(v, least or v)
    return most


def quick():
    global OUT
    OUT = os.path.join(OUT, "quick")
    find(["expat"])
    if "expat" not in here:
        raise Failure("there is no expat.h")
    counts = {"passed": 0, "failed": 0}

    def verdict(words, good, why=""):
        counts["passed" if good else "failed"] += 1
        print("%s %s%s" % ("ok  " if good else "FAIL", words, ": " + why if not good and why else ""))
        sys.stdout.flush()

    def within(words, value, most, aim=None):
        note = "" if aim is None else " (the aim is %.6g%s)" % (aim, ", and met: make it the bound" if value <= aim else "")
        verdict("%s: %.6g, at most %.6g%s" % (words, value, most, note), value <= most)
    build(["xml", "feed", "path", "writer", "kdf"])
    for seed, size, chunk in ((1, 400000, "1460"), (2, 100000, "7"), (3, 50000, "1"), (4, 200000, "65536")):
        rows = [line.split("\t") for line in call(out("xml"), "check", corpus(size, seed), chunk).splitlines()]
        verdict("seed %d in pieces of %s: all is read, nothing skipped" % (seed, chunk), all(r[2] == "read" and r[6] == "0" for r in rows), str(rows))
        verdict("seed %d: xmpp.h, its trees as XML and expat find the same names, namespaces, attributes and text" % seed,
                len(rows) == 7 and len({r[7] for r in rows}) == 1, str([(r[0], r[7]) for r in rows]))
        verdict("seed %d: all find as many elements" % seed, len({r[3] for r in rows if "tree" not in r[0]}) == 1 and int(rows[0][3]) > 500)
        trees = [r for r in rows if "tree" in r[0]]
        verdict("seed %d: all trees hold the same senders and bodies" % seed, len({(r[3], r[4], r[5]) for r in trees}) == 1 and len(trees) == 3,
                str(trees))
    accepted = [line for line in call(out("xml"), "strict").splitlines() if line.startswith("xmpp.h") and not line.endswith("refuses")]
    verdict("whatever is ill-formed or forbidden is refused", not accepted, "; ".join(accepted))
    for name, (good, bad) in measure_held().items():
        verdict("%s has a stanza with its last byte, wherever it was cut" % name, bad == 0 and good > 5000, "%d held back" % bad)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        others = [pool.submit(measure) for measure in (
            measure_curves, measure_path, measure_hostile, measure_m4, measure_requests, measure_sessions, measure_xml, measure_writer,
            measure_kdf, lambda: measure_large("roster", (10, 1000, 10000)), lambda: measure_large("skip", (10000, 1000000)))]
        measure_memory()        # here: its servers handle signals
        for done in others:
            done.result()
    same = os.uname().machine == "x86_64" and compiler().startswith(COMPILER + ".")
    for key, name, most, aim in BOUNDS:
        if same or key not in COUNTED:
            within("%s, %s" % (key, name), results[key][name], most, aim)
        else:
            print("skipped: %s, %s: the bound is for %s on x86_64" % (key, name, COMPILER))
    if same:
        wrong = figures.differs(README, results)
        verdict("the README shows these figures (make bench PARTS=readme writes them)", not wrong, "; ".join(wrong))
    else:
        print("skipped: the README's figures: they are of %s on x86_64" % COMPILER)

    for title, curve in results["curves"].items():
        reached = GROWTH_REACHED.get(title)
        within("growth with %s" % title, growth(curve), reached or GROWTH, GROWTH if reached else None)
    for name, (byte, element) in results["hostile"].items():
        reached = HOSTILE_REACHED.get(name)
        within("hostile: %s, to ordinary" % name, byte, reached or HOSTILE, HOSTILE if reached else None)
        if reached:
            within("hostile: %s, to an ordinary element" % name, element, HOSTILE_ELEMENT)
    print("%(passed)d passed, %(failed)d failed" % counts)
    return 1 if counts["failed"] else 0


# ---- main ----

NEEDS = {"xml": ["xml"], "path": ["path"], "writer": ["writer", "xml"], "kdf": ["kdf"], "memory": ["path"], "curves": ["xml", "feed"],
         "held": ["xml", "feed", "path"], "m4": []}
ASKS = {"xml": "expat", "feed": None, "path": "BearSSL", "writer": "expat", "kdf": "BearSSL"}      # without it, it cannot be built


def main():
    if sys.argv[1:] == ["--quick"]:
        return quick()
    publish = sys.argv[1:] == ["readme"]
    parts = list(NEEDS) if publish else sys.argv[1:] or list(NEEDS)
    if not set(parts) <= set(NEEDS):
        print(__doc__, file=sys.stderr)
        return 2
    find(PEERS)
    print("%s, %s.\nPeers: %s." % (compiler(), os.uname().machine, ", ".join("%s %s" % (p, version(p)) for p in here)))
    missing = [p for p in PEERS if p not in here]
    if missing:
        print("Not installed, left out: %s." % ", ".join(missing))
    for part in list(parts):
        lacks = {ASKS[b] for b in NEEDS[part]} - set(here) - {None}
        if lacks:
            print("Skipped: %s, which needs %s." % (part, ", ".join(lacks)))
            parts.remove(part)
    build(sorted({b for p in parts for b in NEEDS[p]}))
    for p in parts:
        globals()["part_" + p]()
    results["versions"] = versions()
    with open(out("results.json"), "w") as f:
        json.dump(results, f, indent=1)
    if len(parts) == len(NEEDS):
        drawn = picture.svg(results, results["versions"])
        with open(out("ratios.svg"), "w") as f:
            f.write(drawn)
        print("\nbuild/bench/ratios.svg: the ratios as a picture")
        if publish:
            with open(os.path.join(HERE, "ratios.svg"), "w") as f:
                f.write(drawn)
            figures.write(README, results, "%s. In brackets: how many times what xmpp.h takes." % results["versions"])
            print("README.md and tests/bench/ratios.svg were written")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as e:
        print("FAIL", e, file=sys.stderr)
        sys.exit(1)
