#!/usr/bin/python3
"""split.py TARGET NAME "BASE" "SIZES" "RAMS" STACK MAP: one line of the TLS table. BASE and SIZES are text,
data and bss of the empty image and of this one; the linker's MAP tells whose the text is."""
import re
import sys

target, name, base, sizes, rams, stack, path = sys.argv[1:]
text, data, bss = (b - a for a, b in zip(map(int, base.split()), map(int, sizes.split())))
whose = {"xmpp": 0, "tls": 0, "bearssl": 0}
linked = open(path).read().split("Linker script and memory map")[1]
linked = re.sub(r"\n +(0x[0-9a-f]+ +0x)", r" \1", linked)      # a long name has a line of its own
for section, size, obj in re.findall(r"^ (\.\S+) +0x[0-9a-f]+ +0x([0-9a-f]+) (\S+)", linked, re.M):
    if not re.match(r"\.(text|rodata|srodata)", section):
        continue
    unit = "bearssl" if "libbearssl" in obj else re.sub(r"(-hashes)?\.o$", "", obj.rsplit("/", 1)[-1])
    if unit in whose:
        whose[unit] += int(size, 16)
if not all(whose.values()):
    sys.exit("FAIL %s: the map does not tell whose the text is: %s" % (path, whose))
data, bss = (n if n >= 4 else 0 for n in (data, bss))     # what aligning leaves
print("%-13s %-19s %6d %4d %4d %6s %6s %6s %5s %6d %6d %6d" %
      (target, name, text, data, bss, *rams.split(), stack, whose["xmpp"], whose["tls"], whose["bearssl"]))
