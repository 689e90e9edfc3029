#!/usr/bin/python3
"""stack.py SYMBOLS ROOTS FILE.ci...: prints the most bytes of stack that a chain of calls takes which
begins at one of the functions named in ROOTS (a name a line). SYMBOLS is the output of nm on the
linked image: calls through pointers are followed to those functions alone that were linked. The .ci
files are GCC's (-fcallgraph-info=su). The deepest chain goes to standard error. Fails when the stack
of a function is unknown or dynamic, on recursion, and on an indirect call that has no rule below.
"""
import re
import sys

# Where a call through a pointer may go, by the member that is called: a pattern of function names.
# None: code that is not the library's (transport, application), which is not counted.
INDIRECT = {
    "go": r"xmppi_go_\w+",                                           # the steps of the negotiation
    "on": r"xmppi_on_(error|proceed|failure|challenge|success)",      # elements that are no stanza
    "fold": r"xmppi_sha\d+_\w*",
    "start": r"xmppi_(scram|plain|empty)_start",
    "challenge": r"xmppi_scram_challenge",
    "success": r"xmppi_scram_success",
    "stanza": r"xmppi_(ping|version|disco|roster)_stanza",
    "result": r"xmppi_(ping|version|disco|roster)_result",
    "online": r"xmppi_(ping|version|disco|roster)_online",
    "offline": r"xmppi_(ping|version|disco|roster)_offline",
    "redirect": r"xmpp_follow_redirect",
    "resolve": r"xmpp_resolve",
    "elsewhere": r"xmpp_elsewhere",
    "expire": r"xmppi_claims_due",
    "sm_shift": r"xmppi_sm_shift_all",
    "reconnect": r"xmpp_backoff",
    "parts": r"xmpp_in_parts",
    "ext_all": r"xmppi_ext_all",
    "ext_stanza": r"xmppi_ext_stanza",
    "ext_result": r"xmppi_ext_result",
    "ext_presence": r"xmppi_ext_presence",
    "ext_deadline": r"xmppi_ext_deadline",
    "f": r"xmppi_(sm|warm)_(acked|again|expire|kept|lose|record|shift|tell|too_long|unconfirmed)",
    "presence": r"xmppi_(ping|version|disco|roster)_presence",
    "trusts": r"xmppi_(ping|version|disco|roster)_trusts",
    "deadline": r"xmppi_(ping|version|disco|roster)_deadline",
    "due": r"xmppi_(ping|version|disco|roster)_due",
}
for member in ("feature text bind bound element limit commit written drop form sent fill handled closing wait over lost event "
               "tick connect id reply on keeps").split():
    INDIRECT["sm_" + member] = "xmppi_sm_" + member
for member in ("open recv send close start_tls binding wants reason room random utc millis wait resolver "
               "print on_other state").split():
    INDIRECT[member] = None

# Below these functions a member goes to fewer: entity capabilities are always SHA-1.
NARROWER = {"xmppi_caps_hash": {"fold": r"xmppi_sha1_\w*"}}
# ... and each of these goes through the queue with a function of its own.
for name, f in {"limit": "kept", "ack": "acked", "off": "unconfirmed", "lost": "lose", "forget": "lose",
                "begin": "too_long", "resumed": "again|xmppi_sm_acked", "event": "tell", "tick": "expire|xmppi_sm_unconfirmed",
                "shift_all": "shift"}.items():
    NARROWER["xmppi_sm_" + name] = {"f": "xmppi_sm_(%s)" % f if "|" not in f else "xmppi_sm_" + f}
NARROWER["xmppi_session_over"] = {"online": None, "due": None}   # its hook is "offline"
NARROWER["xmpp_load"] = {"f": r"xmppi_warm_record|xmppi_sm_lose"}

# The C library's and the compiler's own functions: leaves, with room to spare over newlib-nano's.
LEAVES = {name: 16 for name in "memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strrchr strspn strcspn".split()}
LEAF_PATTERN = re.compile(r"__(aeabi_|gnu_thumb1_|u?div|u?mod|mul|ashl|lshr|ashr|clz|ctz|bswap)\w*|abort")


def leaf_bytes(name):
    """None when it is no leaf; 64-bit division takes the most."""
    if name in LEAVES:
        return LEAVES[name]
    return (48 if "ldiv" in name or "moddi" in name else 16) if LEAF_PATTERN.fullmatch(name) else None


def fail(words):
    sys.exit("FAIL stack: " + words)


def plain(title):
    """GCC's title of a function without the file before it and the clone's number after it."""
    return title.rsplit(":", 1)[-1].split(".", 1)[0]


def member_called(place):
    """The member through which the source calls at "file:line:column"."""
    path, line, column = place.rsplit(":", 2)
    with open(path, errors="replace") as f:
        text = f.readlines()[int(line) - 1]
    # the column is somewhere in the callee's expression or at its parenthesis
    calls = [(m.end(), m[1]) for m in re.finditer(r"(?:->|\.)\s*(\w+)\)?\s*\(", text)]
    calls += [(m.end(), m[1]) for m in re.finditer(r"(?<![\w>.])(\w+)\s*\(", text) if m[1] in INDIRECT]
    calls += [(m.end(), "sm_" + m[1]) for m in re.finditer(r"XMPPI_SM\(c, (\w+),", text)]
    after = sorted(c for c in calls if c[0] >= int(column))
    if not after:
        fail("no call through a member seen at %s: %s" % (place, text.strip()))
    return after[0][1]


def read_graph(paths):
    size, calls = {}, {}
    for path in paths:
        for line in open(path):
            node = re.match(r'node: \{ title: "([^"]*)" label: "([^"]*)"', line)
            edge = re.match(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"(?: label: "([^"]*)")?', line)
            if node:
                stack = re.search(r"(\d+) bytes \((\w+)", node[2])
                if stack and stack[2] == "dynamic":
                    fail("%s takes a dynamic amount" % node[1])
                if stack:
                    size[node[1]] = int(stack[1])
            elif edge:
                calls.setdefault(edge[1], set()).add((edge[2], edge[3]))
    return size, calls


def main(symbols, roots, graphs):
    linked = {line.split()[-1] for line in open(symbols) if line.split()[-2:-1] != ["U"]}
    linked = {plain(name) for name in linked}
    size, calls = read_graph(graphs)
    by_name = {}
    for title in size:
        by_name.setdefault(plain(title), []).append(title)
    known = {}

    def targets(title, rules):
        for name, place in calls.get(title, ()):
            if name != "__indirect_call":
                yield name
                continue
            member = member_called(place)
            if member not in INDIRECT:
                fail("no rule for the call of '%s' at %s: add it to INDIRECT in tests/size/stack.py"
                     % (member, place))
            rule = rules.get(member, INDIRECT[member])
            if rule is not None:
                for other in linked:
                    if re.fullmatch(rule, other):
                        yield from by_name.get(other, ())

    def depth(title, path, rules):
        if title in path:
            fail("recursion: " + " -> ".join(map(plain, path[path.index(title):] + (title,))))
        name = plain(title)
        rules = dict(rules, **NARROWER.get(name, {}))
        key = (title, str(rules))
        if key not in known:
            if title not in size:
                own = leaf_bytes(name)
                if own is None:
                    fail("unknown stack of '%s', called by %s" % (name, plain(path[-1]) if path else "?"))
                known[key] = (own, ((name, own),))
            else:
                below = max((depth(t, path + (title,), rules) for t in sorted(set(targets(title, rules)))),
                            default=(0, ()))
                known[key] = (size[title] + below[0], ((name, size[title]),) + below[1])
        return known[key]

    begin = [name for name in open(roots).read().split() if name in by_name]
    if not begin:
        fail("none of the roots is in the call graph")
    total, chain = max(depth(title, (), {}) for name in begin for title in by_name[name])
    for name, own in chain:
        print("%6d %s" % (own, name), file=sys.stderr)
    print(total)


main(sys.argv[1], sys.argv[2], sys.argv[3:])
