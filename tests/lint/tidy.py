"""clang-tidy on the product's sources, many to a translation unit.

Nine tenths of a clang-tidy run on one source of ours go into the headers of others, so the sources of a folder that
are compiled alike are joined to one unit. Two that cannot share one (both have a helper of the same name) are put
apart: the compiler says which. They are joined as text, not by #include, because the static analyzer enters the main
file only; a finding names the source it is in, as without units.
"""

import bisect
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

# Depth of the static analyzer per function. The default of 225000 makes it two thirds of the run.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=30000"]
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


class Unit:
    """Sources joined in one file, which remembers where each begins."""

    def __init__(self, path, sources, root):
        self.path, self.sources, self.begins = path, sources, []
        lines, included = [], set()
        for source in sources:
            self.begins.append(len(lines))
            own = (root / source).read_text(encoding="utf-8").splitlines()
            # What an earlier source includes would count as included twice.
            lines += ["" if line in included else line for line in own]
            included |= {line for line in own if line.startswith("#include")}
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def place(self, line):
        """The source a line is of, and its number there; lines count from 1."""
        index = bisect.bisect_right(self.begins, line - 1) - 1
        return self.sources[index], line - self.begins[index]

    def told(self, output):
        """What was said of the unit, said of its sources."""
        def renamed(match):
            source, line = self.place(int(match.group(1)))
            return f"{source}:{line}:"
        return re.sub(rf"{re.escape(str(self.path))}:(\d+):", renamed, output)

    def colliding(self, flags, root):
        """The sources that do not compile behind those before them, and what the compiler said."""
        command = [*flags, "-fsyntax-only", "-ferror-limit=0", "-fno-color-diagnostics", str(self.path)]
        done = subprocess.run(command, cwd=root, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode == 0:
            return set(), ""
        lines = re.findall(rf"^{re.escape(str(self.path))}:(\d+):\d+: (?:fatal )?error:", done.stderr, re.MULTILINE)
        return {self.place(int(line))[0] for line in lines}, self.told(done.stderr)


def grouped(sources, flags, folder, name, root):
    """Units, each of which compiles."""
    pending, units = list(sources), []
    while pending:
        group, apart = pending[:MOST_PER_UNIT], []
        while True:
            unit = Unit(folder / f"{name}_{len(units)}.cc", group, root)
            found, output = unit.colliding(flags, root)
            if not output:
                break
            found &= set(group[1:])
            if not found:
                raise Failed(output)
            apart += [source for source in group if source in found]
            group = [source for source in group if source not in found]
        units.append(unit)
        pending = apart + pending[MOST_PER_UNIT:]
    return units


def plan(database, wanted, folder, jobs, root):
    """[(unit, flags)] for the wanted sources of a compilation database."""
    entries = {os.path.relpath(entry["file"], root): entry for entry in json.loads(database.read_text())}
    alike = collections.defaultdict(list)
    for source in wanted:
        alike[os.path.dirname(source), tuple(flags_of(entries[source]))].append(source)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        planned = [pool.submit(grouped, sources, flags, folder, f"{place.replace('/', '_')}_{number}", root)
                   for number, ((place, flags), sources) in enumerate(sorted(alike.items()))]
        return [(unit, list(flags)) for (_, flags), units in zip(sorted(alike), planned) for unit in units.result()]


def write_database(units, folder):
    entries = [{"directory": str(folder), "file": str(unit.path), "arguments": [*flags, "-c", str(unit.path)]}
               for unit, flags in units]
    (folder / "compile_commands.json").write_text(json.dumps(entries), encoding="utf-8")


def run(program, database, wanted, jobs, root):
    """Whether all are clean, and what clang-tidy said."""
    folder = pathlib.Path(database).parent / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        units = plan(pathlib.Path(database), wanted, folder, jobs, root)
    except Failed as failed:
        return False, str(failed)
    write_database(units, folder)
    # The largest first, so that the last of them does not run alone.
    pending = sorted((unit for unit, _ in units), key=lambda unit: -unit.path.stat().st_size)
    running, outputs, good = [], [], True
    while pending or running:
        while pending and len(running) < jobs:
            unit = pending.pop(0)
            sink = tempfile.TemporaryFile("w+")
            command = [program, "--quiet", "-p", str(folder), f"--config-file={root / '.clang-tidy'}",
                       *(f"--extra-arg={argument}" for argument in ANALYZER), str(unit.path)]
            running.append((unit, sink, subprocess.Popen(command, cwd=root, stdout=sink, stderr=subprocess.DEVNULL)))
        for item in [item for item in running if item[2].poll() is not None]:
            running.remove(item)
            unit, sink, process = item
            sink.seek(0)
            output = unit.told(sink.read())
            sink.close()
            if process.returncode != 0:
                good = False
                outputs.append(output or f"clang-tidy failed without a word on {' '.join(unit.sources)}\n")
        time.sleep(0.05)
    return good, "".join(outputs)
