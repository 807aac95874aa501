"""A certificate authority of one test, and a certificate of its for some addresses."""

import base64
import dataclasses
import hashlib
import pathlib
import subprocess

from lab import run


@dataclasses.dataclass(frozen=True)
class TlsFiles:
    authority: pathlib.Path    # what clients are to trust
    certificate: pathlib.Path  # the chain, leaf first
    private_key: pathlib.Path
    key_sha256: str            # of the leaf's public key, base64: what Chromium is told to accept


def make(folder, addresses):
    folder.mkdir()
    folder.chmod(0o755)
    authority, authority_key = folder / "authority.pem", folder / "authority.key"
    leaf, leaf_key, request = folder / "leaf.pem", folder / "leaf.key", folder / "leaf.csr"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(["openssl", "req", "-x509", *curve, "-keyout", str(authority_key), "-out", str(authority), "-days", "7",
         "-subj", "/CN=wgrouter tests"])
    run(["openssl", "req", *curve, "-keyout", str(leaf_key), "-out", str(request), "-subj", "/CN=router.interop.test"])
    names = ",".join(["DNS:router.interop.test", *(f"IP:{address}" for address in addresses)])
    run(["openssl", "x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(authority_key),
         "-CAcreateserial", "-days", "7", "-out", str(leaf), "-extfile", "/dev/stdin"],
        stdin=f"subjectAltName={names}\nbasicConstraints=CA:false\nextendedKeyUsage=serverAuth\n")
    chain = folder / "chain.pem"
    chain.write_text(leaf.read_text() + authority.read_text())
    public = run(["openssl", "x509", "-in", str(leaf), "-noout", "-pubkey"]).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public.encode(), capture_output=True,
                         check=True).stdout
    return TlsFiles(authority, chain, leaf_key, base64.b64encode(hashlib.sha256(der).digest()).decode())
