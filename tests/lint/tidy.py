"""clang-tidy on the product's sources, many to a translation unit.

Nine tenths of a clang-tidy run on one source of ours go into the headers of others, so the sources of a folder that
are compiled alike are included into one unit. Two that cannot share one (both have a helper of the same name) are put
apart: the compiler says which. A finding names the source it is in, as without units.
"""

import collections
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

# The analyzer enters what a unit includes. Its depth per function: the default of 225000 makes it two thirds of the run.
ANALYZER = ["-Xclang", "-analyzer-opt-analyze-headers", "-Xclang", "-analyzer-config", "-Xclang", "max-nodes=50000"]
# Included sources are the unit's own to the checks.
SOURCES = r"/(core|wireguard|slirp|ws|metrics|cmd)/[^ ]*\.(h|cc)$"
MOST_PER_UNIT = 16  # keeps the units of a folder even, and the memory of one within 2 GiB


class Failed(Exception):
    """The sources do not compile, so that there is nothing to look at."""


def flags_of(entry):
    """The compiler and its options, without the source, the output and what would write a file."""
    arguments = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
    if os.path.basename(arguments[0]) == "ccache":
        arguments = arguments[1:]
    kept, skip = [], False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("-o", "-MF", "-MT", "-MQ"):
            skip = True
        elif argument not in ("-c", "-MD", "-MMD") and argument != entry["file"]:
            kept.append(argument)
    return kept


def unit_text(sources):
    return "".join(f'#include "{source}"  // NOLINT: a unit of sources\n' for source in sources)


def colliding(flags, unit, root):
    """The sources that do not compile behind those before them."""
    command = [*flags, "-fsyntax-only", "-ferror-limit=0", "-fno-color-diagnostics", str(unit)]
    done = subprocess.run(command, cwd=root, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode == 0:
        return set(), ""
    found = set(re.findall(r"^(?:\./)?([^\s:]+\.cc):\d+:\d+: (?:fatal )?error:", done.stderr.replace(f"{root}/", ""),
                           re.MULTILINE))
    return found, done.stderr


def grouped(sources, flags, folder, name, root):
    """Units, as lists of sources, each of which compiles."""
    pending, units = list(sources), []
    while pending:
        group, apart = pending[:MOST_PER_UNIT], []
        while True:
            unit = folder / f"{name}_{len(units)}.cc"
            unit.write_text(unit_text(group), encoding="utf-8")
            found, output = colliding(flags, unit, root)
            if not output:
                break
            found &= set(group[1:])
            if not found:
                raise Failed(output)
            apart += [source for source in group if source in found]
            group = [source for source in group if source not in found]
        units.append((unit, group))
        pending = apart + pending[MOST_PER_UNIT:]
    return units


def plan(database, wanted, folder, root):
    """[(unit, its sources, flags)] for the wanted sources of a compilation database."""
    entries = {os.path.relpath(entry["file"], root): entry for entry in json.loads(database.read_text())}
    alike = collections.defaultdict(list)
    for source in wanted:
        alike[os.path.dirname(source), tuple(flags_of(entries[source]))].append(source)
    units = []
    for number, ((place, flags), sources) in enumerate(sorted(alike.items())):
        name = f"{place.replace('/', '_')}_{number}"
        units += [(unit, group, list(flags)) for unit, group in grouped(sources, flags, folder, name, root)]
    return units


def write_database(units, folder):
    entries = [{"directory": str(folder), "file": str(unit), "arguments": [*flags, "-c", str(unit)]}
               for unit, _, flags in units]
    (folder / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")


def run(program, database, wanted, jobs, root):
    """Whether all are clean, and what clang-tidy said."""
    folder = pathlib.Path(database).parent / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        units = plan(pathlib.Path(database), wanted, folder, root)
    except Failed as failed:
        return False, str(failed)
    write_database(units, folder)
    # The largest first, so that the last of them does not run alone.
    pending = sorted(units, key=lambda unit: -sum((root / source).stat().st_size for source in unit[1]))
    running, outputs, good = [], [], True
    while pending or running:
        while pending and len(running) < jobs:
            unit, group, _ = pending.pop(0)
            sink = tempfile.TemporaryFile("w+")
            command = [program, "--quiet", "-p", str(folder), f"--header-filter={SOURCES}",
                       f"--config-file={root / '.clang-tidy'}",
                       *(f"--extra-arg={argument}" for argument in ANALYZER), str(unit)]
            running.append((group, sink, subprocess.Popen(command, cwd=root, stdout=sink, stderr=subprocess.DEVNULL)))
        for item in [item for item in running if item[2].poll() is not None]:
            running.remove(item)
            group, sink, process = item
            sink.seek(0)
            output = sink.read()
            sink.close()
            if process.returncode != 0:
                good = False
                outputs.append(output or f"clang-tidy failed without a word on {' '.join(group)}\n")
        time.sleep(0.05)
    return good, "".join(outputs)
