#!/usr/bin/python3
"""seeds.py DIR: makes DIR/xml and DIR/tree of what servers say in the transcripts of tests/sessions: seeds for those fuzz targets,
beside their corpora. Each transcript is one stream; those that say the same once."""
import hashlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SESSIONS = os.path.join(os.path.dirname(HERE), "sessions")
HEADER = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
LONGEST = 600                           # bytes, as run.sh has it
# what stands before the stream: xml: much memory, all or nothing as trees; tree: much memory, a name to look for
HEADS = {"xml": [b"\x0f\x00", b"\x0f\x02"], "tree": [b"\xff\x3f\x00"]}


def stanzas(path):
    """What the server says in each transcript of a file, escapes as run.c reads them. Words in braces stay as they are."""
    said = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("== "):
                said.append(b"")
            elif line.startswith("S: ") and said:
                text = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), line[3:].rstrip("\n").encode())
                said[-1] += text.replace(b"\\n", b"\n").replace(b"\\r", b"\r").replace(b"\\t", b"\t")
    return said


streams = set()
for name in sorted(os.listdir(SESSIONS)):
    if name.endswith(".txt"):
        streams.update(HEADER + said[:LONGEST - len(HEADER) - 3] for said in stanzas(os.path.join(SESSIONS, name)) if said)
for target, heads in HEADS.items():
    folder = os.path.join(sys.argv[1], target)
    os.makedirs(folder, exist_ok=True)
    for i, stream in enumerate(sorted(streams)):
        data = heads[i % len(heads)] + stream
        with open(os.path.join(folder, hashlib.sha1(data).hexdigest()[:12]), "wb") as f:
            f.write(data)
