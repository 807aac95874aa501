#!/usr/bin/env python3
"""Instructions per packet that the router runs in user space outside the cipher.

    tests/bench/replay.py [--bin build/bench/bin] [--packets 20000] [--top 15]

Runs bench_replay under callgrind (Debian's valgrind) and subtracts what BoringSSL's AEAD calls took, with all
they call. `packets` are those that carry data; what their acknowledgements cost is in the figure. Valgrind
shows the program no AVX-512, so the cipher's own figure is that of its AVX2 code.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

CIPHER = re.compile(r"EVP_AEAD_CTX_(seal|open)")
COST_LINE = re.compile(r"^\s*([\d,]+)\s*(?:\([^)]*\))?\s+(\S.*)$")


def annotate(path, inclusive):
    command = ["callgrind_annotate", "--threshold=99.9", f"--inclusive={'yes' if inclusive else 'no'}", path]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total, functions = 0, []
    for line in text.splitlines():
        found = COST_LINE.match(line)
        if not found:
            continue
        cost, name = int(found.group(1).replace(",", "")), found.group(2)
        if "PROGRAM TOTALS" in name:
            total = cost
        elif ":" in name:
            functions.append((cost, re.sub(r"\s*\[[^\]]*\]$", "", name.split(":", 1)[1])))
    return total, functions


def measure(binary, load, packets, folder):
    out = os.path.join(folder, load + ".callgrind")
    command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out}", binary, load,
               str(packets)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    figures = {name: int(value) for name, value in (pair.split("=") for pair in done.stdout.split())}
    total, inclusive = annotate(out, inclusive=True)
    # The outermost call of each kind: seal calls seal_scatter.
    cipher = {}
    for cost, name in inclusive:
        kind = CIPHER.search(name)
        if kind:
            cipher[kind.group(1)] = max(cost, cipher.get(kind.group(1), 0))
    return figures, total, sum(cipher.values()), annotate(out, inclusive=False)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--bin", default=os.path.join(tree, "build", "bench", "bin"))
    parser.add_argument("--packets", type=int, default=20000)
    parser.add_argument("--top", type=int, default=0, help="also list the functions that cost most")
    parser.add_argument("--loads", default="download,upload,udp")
    arguments = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for load in arguments.loads.split(","):
            figures, total, cipher, functions = measure(os.path.join(arguments.bin, "bench_replay"), load,
                                                        arguments.packets, folder)
            packets = figures["packets"]
            lines.append(f"| {load} | {(total - cipher) / packets:.0f} | {cipher / packets:.0f} | {packets} | "
                         f"{figures['from_guest']} | {figures['to_guest']} | {figures['allocations']} |")
            if arguments.top:
                print(f"{load}: instructions per packet by function")
                for cost, name in functions[: arguments.top]:
                    print(f"  {cost / packets:8.1f}  {name[:150]}")
    print("| load | instructions per packet outside the cipher (aim <= 500) | in the cipher | packets | from guest | "
          "to guest | allocations |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
