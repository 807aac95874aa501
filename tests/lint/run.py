"""Runs every lint and reports each as one test.

usage: run.py [--jobs N] [--results FILE] [--only NAME]...
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import image
import tidy
import tree

HERE = pathlib.Path(__file__).resolve().parent
CLANG = "19"
BUILD = tree.ROOT / "build" / "clang"  # its compile_commands.json is what clang-tidy sees


class Skipped(Exception):
    pass


def run(command, **options):
    completed = subprocess.run(command, cwd=tree.ROOT, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False, **options)
    return completed.returncode, completed.stdout


def tool(name):
    path = shutil.which(name)
    if path is None:
        raise Skipped(f"{name} is not installed")
    return path


def check_format(_jobs):
    files = tree.sources()
    program = tool(f"clang-format-{CLANG}")
    status, output = run([program, "--dry-run", "--Werror", *files])
    names = sorted({line.split(":")[0] for line in output.splitlines() if ": error: " in line})
    if names:
        output = f"these differ from {program} -i:\n" + "".join(f"  {name}\n" for name in names)
    return status == 0, output


def compiled():
    """The sources that the compilation database knows."""
    database = BUILD / "compile_commands.json"
    if not database.is_file():
        return set()
    return {os.path.relpath(entry["file"], tree.ROOT) for entry in json.loads(database.read_text())}


def check_tidy(jobs):
    """clang-tidy on the product's sources; a header is checked through those that include it."""
    program = tool(f"clang-tidy-{CLANG}")
    wanted = [path for path in tree.sources(*tree.MODULES) if path.endswith(".cc")]
    if not set(wanted) <= compiled():
        status, output = run(["cmake", "--preset", "clang"])
        if status != 0:
            return False, output
    files = [path for path in wanted if path in compiled()]
    if not files:
        return False, "no source in the compilation database"
    return tidy.run(program, BUILD / "compile_commands.json", files, jobs, tree.ROOT)


def check_includes(_jobs):
    status, output = run([sys.executable, str(HERE / "check_includes.py")])
    return status == 0, output


def check_text(_jobs):
    status, output = run([sys.executable, str(HERE / "check_text.py")])
    return status == 0, output


def check_scripts(_jobs):
    def is_script(path):
        with open(tree.ROOT / path, "rb") as file:
            first = file.readline(80)
        return path.endswith(".sh") or (first.startswith(b"#!") and b"sh" in first and b"python" not in first)

    scripts = [path for path in tree.tracked() if is_script(path)]
    status, output = run([tool("shellcheck"), "-x", *scripts])
    return status == 0, output


def check_python(_jobs):
    files = [path for path in tree.tracked() if path.endswith(".py")]
    with tempfile.TemporaryDirectory() as cache:
        environment = dict(os.environ, PYTHONPYCACHEPREFIX=cache)
        status, output = run([sys.executable, "-W", "error", "-m", "compileall", "-q", "-f", *files],
                             env=environment)
    return status == 0, output


def check_image(_jobs):
    """The container image holds the libraries that the program is linked with."""
    for name in ("ldd", "readelf", "dpkg"):
        tool(name)
    program = next((path for path in image.PROGRAMS if path.is_file()), None)
    if program is None:
        raise Skipped("the router is not built")
    installed = image.packages_installed(tree.read(image.DOCKERFILE))
    faults = list(image.compare(image.packages_needed(program), installed))
    return not faults, "".join(f"{image.DOCKERFILE}: {fault}\n" for fault in faults)


def check_lints(_jobs):
    """The lints find what they are for."""
    status, output = run([sys.executable, "-m", "unittest", "-q", "lint_test"],
                         env=dict(os.environ, PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1"))
    return status == 0, output


CHECKS = {
    "includes": check_includes,
    "text": check_text,
    "scripts": check_scripts,
    "python": check_python,
    "lints": check_lints,
    "image": check_image,
    "format": check_format,
    "tidy": check_tidy,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results")
    parser.add_argument("--only", action="append", choices=CHECKS)
    options = parser.parse_args()

    failed = False
    for name, function in CHECKS.items():
        if options.only and name not in options.only:
            continue
        began = time.monotonic()
        try:
            good, output = function(options.jobs)
            verdict, reason = ("pass", "") if good else ("fail", "see the log")
        except Skipped as skipped:
            verdict, reason, output = "skip", str(skipped), ""
        failed |= verdict == "fail"
        print(f"== {name}: {verdict} {reason} ({time.monotonic() - began:.1f} s)")
        if verdict != "pass" and output:
            print(output, flush=True)
        if options.results:
            with open(options.results, "a", encoding="utf-8") as results:
                results.write(f"{verdict}\tlint: {name}\t{reason}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.exit(main())
