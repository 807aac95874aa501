"""The router's configuration file, as a value the scenarios change."""

import dataclasses
import json


@dataclasses.dataclass
class Peer:
    public_key: str
    allowed_ips: list
    preshared_key: str | None = None
    name: str | None = None
    endpoint: str | None = None
    persistent_keepalive: int | None = None


@dataclasses.dataclass
class RouterConfig:
    private_key: str
    listen_port: int
    addresses: list
    peers: list = dataclasses.field(default_factory=list)
    overlay: bool = False
    workers: int = 2
    wireguard: dict = dataclasses.field(default_factory=dict)  # more keys of that section
    extra: dict = dataclasses.field(default_factory=dict)  # whole sections of the file

    def to_yaml(self):
        """JSON is YAML."""
        peers = []
        for peer in self.peers:
            entry = {"public_key": peer.public_key, "allowed_ips": peer.allowed_ips}
            for key in ("preshared_key", "name", "endpoint", "persistent_keepalive"):
                if (value := getattr(peer, key)) is not None:
                    entry[key] = value
            peers.append(entry)
        return json.dumps({
            "wireguard": {"private_key": self.private_key, "listen_port": self.listen_port, "peers": peers,
                          **self.wireguard},
            "network": {"addresses": self.addresses},
            "egress": {"allow": ["private"]},  # the servers of the bed live in private ranges
            "overlay": {"enabled": self.overlay},
            "processor": {"workers": self.workers},
            "shutdown": {"grace": "5s"},
            **self.extra,
        }, indent=2) + "\n"

    def to_wg_conf(self, listen_port):
        lines = ["[Interface]", f"PrivateKey = {self.private_key}", f"ListenPort = {listen_port}"]
        for peer in self.peers:
            lines += ["[Peer]", f"PublicKey = {peer.public_key}", f"AllowedIPs = {', '.join(peer.allowed_ips)}"]
            if peer.preshared_key:
                lines.append(f"PresharedKey = {peer.preshared_key}")
        return "\n".join(lines) + "\n"
