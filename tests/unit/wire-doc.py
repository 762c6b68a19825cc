#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turns the byte tables of documents into assertions about core/wire.h.

A table counts if a line above it has a struct's name in double backquotes and then its
size as "N bytes", and if its columns are Off, Len, Field. Every row becomes two assertions;
the rows must follow one another without a hole, and end where the struct does.
"""

import re
import sys

TITLE = re.compile(r"``(siv_\w+)``[^\d]*(\d+) bytes")
ROW = re.compile(r"^(\d+)\s+(\d+)\s+(\w+)\s")


def fail(text):
    sys.exit(f"wire-doc.py: {text}")


def tables(lines):
    """Yields (struct, size, rows) of every table of bytes with field names."""
    title, rows, inside = None, [], False
    for line in lines:
        found = TITLE.search(line)
        if found:
            title, rows, inside = (found[1], int(found[2])), [], False
        elif title and re.match(r"^Off\s+Len\s+Field\s", line):
            inside = True
        elif inside and ROW.match(line):
            off, length, field = ROW.match(line).groups()
            rows.append((int(off), int(length), field))
        elif inside and rows and line.startswith("==="):
            yield title[0], title[1], rows
            title, rows, inside = None, [], False


def table(struct, size, rows):
    """Prints the assertions of one table."""
    at = 0
    for off, length, field in rows:
        if off != at:
            fail(f"{struct}: a hole before {field}: {off}, not {at}")
        at = off + length
        print(f"SIV_WIRE_AT(struct {struct}, {field}, {off});")
        print(f"static_assert(sizeof(((struct {struct} *)0)->{field}) == {length},"
              f' "{struct}.{field}");')
    if at != size:
        fail(f"{struct}: its rows end at {at}, not {size}")
    print(f"SIV_WIRE_SIZE(struct {struct}, {size});")


def main(paths):
    done = []
    for path in paths:
        print(f"/* Made by tests/unit/wire-doc.py of {path}. */")
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
        for struct, size, rows in tables(lines):
            table(struct, size, rows)
            done.append(f'"{struct}"')
    print("static const char *const wire_doc_structs[] = {")
    print("\t" + ",\n\t".join(done))
    print("};")


if __name__ == "__main__":
    main(sys.argv[1:])
