"""Turns ctest's JUnit report into lines of tests/run.sh's results file.

usage: junit_to_results.py PREFIX REPORT.xml
"""

import sys
import xml.etree.ElementTree as ElementTree


def reason_of(case):
    output = case.findtext("system-out") or ""
    for line in output.splitlines():
        if "Skipped" in line or "skipped" in line.lower():
            continue
        if line.strip() and not line.startswith(("[", "Note:", "Running main", "Process terminated")):
            return line.strip()[:200]
    return "no reason given"


def main(prefix, report):
    cases = ElementTree.parse(report).getroot().iter("testcase")
    for case in cases:
        name = f"{prefix}: {case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            print("fail", name, "see the log", sep="\t")
        elif skipped is not None:
            print("skip", name, reason_of(case), sep="\t")
        elif case.get("status") == "run":
            print("pass", name, "", sep="\t")
        else:
            print("fail", name, f"ctest says {case.get('status')}", sep="\t")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
