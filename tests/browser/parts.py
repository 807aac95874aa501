"""Fetches what the tests here run and the tree does not hold: a Linux guest for v86, v86 itself, Prometheus.

Debian packages come through apt with a state folder of its own, so that neither the machine's package
database nor its architectures change, and are unpacked, not installed; apt has checked their signatures.
npm checks the integrity sums of package-lock.json. Everything lies in one cache folder, is fetched once
and noted there with its sha256: $WGR_TEST_CACHE, or wgrouter-tests in $XDG_CACHE_HOME or ~/.cache.

usage: parts.py [NAME...]       fetches guest, node_modules and prometheus, or these, and says where they are
"""

import contextlib
import dataclasses
import fcntl
import gzip
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
APT_TIMEOUT = 300

# In the order in which they are loaded.
VIRTIO_MODULES = ("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
                  "failover", "net_failover", "virtio_net")
NE2K_MODULES = ("8390", "ne2k-pci")


class Missing(Exception):
    """A part cannot be had here; the text says why."""


@dataclasses.dataclass(frozen=True)
class GuestParts:
    kernel: pathlib.Path
    initrd: pathlib.Path
    bios: pathlib.Path
    vga_bios: pathlib.Path
    key: str  # changes when the guest does


def cache_folder():
    named = os.environ.get("WGR_TEST_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(named) if named else pathlib.Path(base) / "wgrouter-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked():
    """One process at a time fills the cache."""
    with open(cache_folder() / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(name, make):
    """The folder `name` of the cache; make(folder) fills it if it is not there, wholly or not at all."""
    folder = cache_folder() / name
    if folder.exists():
        return folder
    with locked():
        if not folder.exists():  # another process may have been faster
            with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="making-") as scratch:
                made = pathlib.Path(scratch) / "made"
                made.mkdir()
                make(made)
                made.rename(folder)
    return folder


def run(what, command, timeout=APT_TIMEOUT, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{what}: {error}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Missing(f"{what}: {' '.join(said) or f'exit code {done.returncode}'}")
    return done.stdout


class Apt:
    """Debian's packages of one architecture, by the machine's own sources and keys."""

    def __init__(self, architecture):
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise Missing("no apt-get here: the guest is made of Debian packages")
        folder = cache_folder() / f"apt-{architecture}"
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        config = folder / "apt.conf"
        # The machine's own hooks are for its own cache: they are left out.
        config.write_text(
            f'Dir::State "{folder}";\nDir::State::lists "{folder}/lists";\nDir::State::status "{folder}/status";\n'
            f'Dir::Cache "{folder}/cache";\n#clear APT::Architectures;\nAPT::Architecture "{architecture}";\n'
            f'APT::Architectures:: "{architecture}";\nAPT::Sandbox::User "root";\n'
            'Acquire::Languages "none";\nAcquire::Retries "2";\nAcquire::http::Timeout "30";\n'
            '#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n'
            '#clear DPkg::Post-Invoke;\n')
        self.config = str(config)
        self.update_problem = ""
        try:
            run("apt-get update", ["apt-get", "-qq", "-c", self.config, "update"])
        except Missing as missing:  # perhaps of a source that has none of what is wanted
            self.update_problem = f" ({missing})"

    def run(self, package, *command, **options):
        try:
            return run(f"package {package}", command, **options)
        except Missing as missing:
            raise Missing(f"{missing}{self.update_problem}") from None

    def depends(self, package):
        lines = self.run(package, "apt-cache", "-c", self.config, "depends", "--important", package)
        return [line.split(":", 1)[1].strip() for line in lines.splitlines() if "Depends:" in line]

    def unpack(self, package, target):
        """Downloads a package and unpacks it into the folder; returns its file name and sha256."""
        with tempfile.TemporaryDirectory(dir=target) as folder:
            self.run(package, "apt-get", "-qq", "-c", self.config, "download", package, cwd=folder)
            archives = list(pathlib.Path(folder).glob("*.deb"))
            if len(archives) != 1:
                raise Missing(f"package {package}: not downloaded")
            self.run(package, "dpkg-deb", "-x", str(archives[0]), str(target))
            return f"{hashlib.sha256(archives[0].read_bytes()).hexdigest()}  {archives[0].name}\n"


def fetch_guest(folder):
    """Kernel, modules, busybox and BIOS of a 32-bit machine."""
    apt = Apt("i386")
    kernels = [name for name in apt.depends("linux-image-686") if name.startswith("linux-image-")]
    if not kernels:
        raise Missing("package linux-image-686: this release of the distribution has no 32-bit kernel")
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    sums = "".join(apt.unpack(package, unpacked) for package in (kernels[0], "busybox-static", "seabios"))
    wanted = {next(unpacked.glob("boot/vmlinuz-*")): "vmlinuz", unpacked / "bin/busybox": "busybox",
              unpacked / "usr/share/seabios/bios.bin": "bios.bin",
              unpacked / "usr/share/seabios/vgabios-isavga.bin": "vgabios.bin"}
    for module in (*VIRTIO_MODULES, *NE2K_MODULES):
        wanted[next(unpacked.glob(f"lib/modules/*/kernel/**/{module}.ko"))] = f"{module}.ko"
    for source, name in wanted.items():
        shutil.copy(source, folder / name)
    shutil.rmtree(unpacked)
    (folder / "sha256sums").write_text(sums)


def newc(entries):
    """A cpio archive as the kernel reads it (initramfs buffer format): name, mode, data."""
    archive = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        path = name.encode() + b"\0"
        device = (5, 1) if name == "dev/console" else (0, 0)
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        archive += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        archive += bytes(-len(archive) % 4) + data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def initrd_of(folder, init):
    entries = [(name, stat.S_IFDIR | 0o755, b"")
               for name in ("bin", "dev", "etc", "modules", "proc", "sys", "tmp", "www")]
    entries += [("dev/console", stat.S_IFCHR | 0o600, b""), ("init", stat.S_IFREG | 0o755, init),
                ("bin/busybox", stat.S_IFREG | 0o755, (folder / "busybox").read_bytes()),
                ("bin/sh", stat.S_IFLNK | 0o777, b"busybox")]
    entries += [(f"modules/{path.name}", stat.S_IFREG | 0o644, path.read_bytes()) for path in sorted(folder.glob("*.ko"))]
    return gzip.compress(newc(entries), compresslevel=6, mtime=0)


def guest():
    """A Linux guest that obeys lines on its serial console (guest_init.sh)."""
    debian = made_once("guest-i386", fetch_guest)
    init = (HERE / "guest_init.sh").read_bytes().replace(b"@VIRTIO_MODULES@", " ".join(VIRTIO_MODULES).encode())
    init = init.replace(b"@NE2K_MODULES@", " ".join(NE2K_MODULES).encode())
    key = hashlib.sha256(init + (debian / "sha256sums").read_bytes()).hexdigest()[:16]

    def make(folder):
        (folder / "initrd.gz").write_bytes(initrd_of(debian, init))

    initrd = made_once(f"initrd-{key}", make) / "initrd.gz"
    return GuestParts(debian / "vmlinuz", initrd, debian / "bios.bin", debian / "vgabios.bin", key)


def node_modules():
    """The folder with v86 and ws."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("no node and npm here")
    lock = (HERE / "package-lock.json").read_bytes()

    def make(folder):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        run("npm ci", ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    return made_once(f"node-{hashlib.sha256(lock).hexdigest()[:16]}", make) / "node_modules"


def guest_settings(nic, state=None, save=None, **options):
    """Where a machine's parts are, with its options, as node_vm.mjs and machine_page.py take them."""
    machine = guest()
    return {"modules": str(node_modules()), "kernel": str(machine.kernel), "initrd": str(machine.initrd),
            "bios": str(machine.bios), "vga_bios": str(machine.vga_bios), "nic": nic,
            "state": str(state) if state else None, "save": str(save) if save else None, **options}


def prometheus():
    """The program; unpacked, because the package would start a service."""
    architecture = run("dpkg", ["dpkg", "--print-architecture"]).strip()

    def make(folder):
        (folder / "sha256sums").write_text(Apt(architecture).unpack("prometheus", folder))

    return made_once("prometheus", make) / "usr" / "bin" / "prometheus"


def main():
    failed = False
    known = {part.__name__: part for part in (guest, node_modules, prometheus)}
    for name in sys.argv[1:] or known:
        if name not in known:
            sys.exit(__doc__.strip().splitlines()[-1])
        try:
            print(f"{name}: {known[name]()}", flush=True)
        except Missing as missing:
            print(f"{name}: missing: {missing}", flush=True)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
