"""What a router tells at /metrics, asked from its own host."""

import dataclasses
import re

ADMIN_PORT = 9586
SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-z_]+)="(?:[^"\\]|\\.)*"')


@dataclasses.dataclass
class Family:
    kind: str                                     # counter, gauge or histogram
    labels: set = dataclasses.field(default_factory=set)  # names; a histogram's own apart


@dataclasses.dataclass
class Scrape:
    families: dict  # by name
    samples: dict   # by name and labels, as written: 'wgrouter_flows{protocol="tcp"}'

    def __getitem__(self, sample):
        return self.samples[sample]


def family_of(name, families):
    """The family of a sample; those of a histogram have names of their own."""
    short = re.sub("_(bucket|sum|count)$", "", name)
    return families[name] if name in families else families[short]


def parse(text):
    families, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            families[name] = Family(kind)
        elif line and not line.startswith("#"):
            name, labels, value = SAMPLE.fullmatch(line).groups()
            samples[line.rsplit(" ", 1)[0]] = float(value)
            family = family_of(name, families)
            family.labels |= set(LABEL.findall(labels or "")) - ({"le"} if family.kind == "histogram" else set())
    return Scrape(families, samples)


def scrape(router):
    return parse(router.space.run("curl", "-sS", "--fail", f"http://127.0.0.1:{ADMIN_PORT}/metrics").stdout)
