"""Compares what the program is linked with to what the container image installs."""

import pathlib
import re
import subprocess

import tree

DOCKERFILE = "deploy/docker/Dockerfile"
# The first that is built is looked at; all of them are linked with the same libraries.
PROGRAMS = tuple(tree.ROOT / "build" / preset / "bin" / "wgrouter" for preset in ("release", "clang"))
# What every Debian image has, since its package manager needs it.
IN_BASE = {"libc6", "libgcc-s1", "libstdc++6"}
# Files, not libraries: who vouches for wss:// peers and https probes.
NOT_LINKED = {"ca-certificates"}


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def package_of(library):
    """The Debian package that owns the file; its path itself when none does."""
    # Packages name their files with or without the /usr of a merged system, and by what links lead to.
    real = str(pathlib.Path(library).resolve())
    for path in (real, real.removeprefix("/usr"), library, "/usr" + library):
        found = subprocess.run(["dpkg", "-S", path], check=False, capture_output=True, text=True)
        if found.returncode == 0:
            return re.split("[:,]", found.stdout, maxsplit=1)[0]
    return library


def packages_needed(program):
    """The packages of the libraries that the program itself names; theirs come along with them."""
    named = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-d", str(program))))
    paths = dict(re.findall(r"^\s*(\S+) => (/\S+)", output_of("ldd", str(program)), re.MULTILINE))
    return {package_of(paths[name]) for name in named if name in paths}


def packages_installed(dockerfile):
    """What the last stage of the Dockerfile installs."""
    stage = re.split(r"^FROM ", dockerfile, flags=re.MULTILINE)[-1].replace("\\\n", " ")
    installs = re.findall(r"apt-get install\b([^&;\n]*)", stage)
    return {word for words in installs for word in words.split() if not word.startswith("-")}


def compare(needed, installed):
    for name in sorted(needed - IN_BASE - installed):
        yield f"the program needs {name}, which the image does not install"
    for name in sorted(NOT_LINKED - installed):
        yield f"{name} is not installed"
    for name in sorted(installed - needed - NOT_LINKED):
        yield f"{name} is installed, but the program is not linked with it"
