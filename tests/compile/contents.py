#!/usr/bin/python3
"""contents.py: does the list at the top of xmpp.h name every section of the implementation, in order?"""
import re
import sys

text = open("xmpp.h").read()
listed = re.findall(r">>([\w-]+)", text[text.index("IMPLEMENTATION  "):text.index("==== >>quickstart")])
code = text[text.index("end of the public header"):]
there = re.findall(r"^/\* (?:====|----) >>([\w-]+)", code, re.M)
if listed != there:
    print("listed:", *listed)
    print("there: ", *there)
    sys.exit(1)
