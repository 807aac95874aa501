"""The files of the tree and C++ text without comments and strings: what every lint starts from."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ("core", "wireguard", "slirp", "ws", "metrics", "cmd")


def tracked():
    """Paths git knows or would add, relative to the root; in a tree without git, every file."""
    try:
        listing = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listing = [
            str(path.relative_to(ROOT))
            for path in ROOT.rglob("*")
            if not {"build", ".git", "__pycache__"} & set(path.relative_to(ROOT).parts)
        ]
    return sorted({path for path in listing if path and (ROOT / path).is_file()})


def sources(*tops):
    """C++ files below the given folders (all modules and tests if none is given)."""
    tops = tops or (*MODULES, "tests")
    return [path for path in tracked() if path.endswith((".cc", ".h")) and path.split("/")[0] in tops]


def read(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


# A raw string, a string, a character, a line comment or a block comment: whichever begins first. A
# digit separator (1'000) is not a character.
_TOKEN = re.compile(
    r'R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def code_of(text):
    """The text with comments and literals blanked; line numbers stay. #include lines are kept."""

    def blank(match):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text[line_start : match.start()].strip().startswith("#include"):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())

    return _TOKEN.sub(blank, text)
