"""Checks the text of every file: nothing that ties the tree to one machine, no unowned promises, no
words the vocabulary replaces, no file that has outgrown its concept."""

import re
import sys

import tree

BINARY = (".bin", ".png", ".ico", ".pcap", ".wasm", ".woff2")
MAX_LINES = {"product": 400, "test": 400}

# Patterns are written so that this file does not match itself.
EVERYWHERE = [
    (r"(?<![\w.-])/(wor[k]|roo[t]|hom[e]/\w+)\b", "a path of one machine"),
    (r"\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b", "decide it or leave it out"),
    (r"https?://[\w.-]*(pyp[i]\.org|registry\.npm[j]s|proxy\.gol[a]ng|deb\.deb[i]an\.org|cr[a]tes\.io/api)",
     "a package registry's address"),
    (r"^(<{7}|={7}|>{7})( |$)", "a merge conflict"),
    (r"-----BEGIN [A-Z ]*PRIV[A]TE KEY", "a private key"),
]
IN_CODE = [
    (r"\b(pkt|pkts|tcb)\b", "use the words of the vocabulary: packet, connection"),
    (r"\b(no longer|used to be|previously we|for now|as of now|legacy code)\b", "comments tell the present"),
]
TEXT_ONLY = (".md", ".txt", ".yaml", ".yml", ".json", ".svg", ".lock")


def check(path, data):
    if b"\0" in data[:8000] or path.endswith(BINARY) or "/corpus/" in path:
        if len(data) > 64 * 1024:
            yield 1, f"a binary file of {len(data)} bytes"
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        yield 1, "not UTF-8"
        return
    is_code = path.endswith((".cc", ".h"))
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() and not path.endswith(".md"):
            yield number, "white space at the end of the line"
        if is_code and "\t" in line:
            yield number, "a tab"
        for pattern, why in EVERYWHERE + (IN_CODE if is_code else []):
            found = re.search(pattern, line)
            if found:
                yield number, f"`{found.group().strip()}`: {why}"
    if is_code:
        limit = MAX_LINES["test" if path.startswith("tests/") else "product"]
        lines = text.count("\n")
        if lines > limit:
            yield 1, f"{lines} lines: more than one concept (limit {limit})"


def main():
    faults = 0
    for path in tree.tracked():
        for number, fault in check(path, (tree.ROOT / path).read_bytes()):
            print(f"{path}:{number}: {fault}")
            faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
