#include "cmd/config_check.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cmd/config_draft.h"
#include "cmd/config_files.h"
#include "cmd/config_forward.h"
#include "cmd/config_ingress.h"
#include "cmd/config_lan.h"
#include "core/text.h"
#include "wireguard/crypto.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

constexpr std::uint16_t kLeastIpv6Mtu = 1280;  // RFC 8200, 5
constexpr std::size_t kMostWorkers = 64;

// The cores this process may run on, which in a container are fewer than the machine's.
std::size_t usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::clamp<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&cores)), 1, kMostWorkers);
}

std::string label(const PeerEntry& entry) {
  return entry.peer.name.empty() ? entry.origin : entry.origin + " (" + quote(entry.peer.name) + ")";
}

void use_credential(const Environment& environment, ConfigDraft& draft) {
  const auto folder = environment.find("CREDENTIALS_DIRECTORY");
  if (folder == environment.end() || folder->second.empty()) return;
  const std::string path = folder->second + "/WG_PRIVATE_KEY";
  if (::access(path.c_str(), F_OK) != 0) return;
  // systemd guards the folder; an access list shows in the file's group bits.
  const KeyFile file = read_key_file(path, KeyPermissions::kAny);
  if (!file.key) return draft.problem(path, file.fault);
  draft.config.wireguard.private_key_file = path;
  draft.config.wireguard.device.private_key = *file.key;
  draft.config.wireguard.has_private_key = true;
}

bool has_ipv6(const NetworkConfig& network) {
  return std::any_of(network.addresses.begin(), network.addresses.end(),
                     [](const InterfaceAddress& address) { return address.ip.is_v6(); });
}

// Nobody asked for the default's IPv6 address: a small MTU takes it away instead of failing.
void fit_addresses_to_mtu(ConfigDraft& draft) {
  NetworkConfig& network = draft.config.network;
  const bool is_small = draft.config.slirp.mtu < kLeastIpv6Mtu;
  if (!is_small || !network.ipv6 || !has_ipv6(network)) return;
  if (draft.origin("network.addresses") != nullptr) {
    return draft.problem(draft.where("network.mtu"),
                         "is too small for the IPv6 addresses in network.addresses",
                         "1280 at least, or no IPv6 address");
  }
  std::erase_if(network.addresses, [](const InterfaceAddress& address) { return address.ip.is_v6(); });
  draft.notice(log::Level::kInfo, "network.mtu is below 1280: the router has no inner IPv6 address");
}

void refuse_ipv6(ConfigDraft& draft) {
  Config& config = draft.config;
  std::erase_if(config.network.addresses, [](const InterfaceAddress& address) { return address.ip.is_v6(); });
  const Prefix everything{IpAddress::from_bytes(std::array<std::uint8_t, 16>{}), 0};
  auto& deny = config.egress.rules.deny;
  const bool is_denied = std::any_of(deny.begin(), deny.end(), [&](const egress::Rule& rule) {
    return rule.to_string() == everything.to_string();
  });
  if (!is_denied) {
    egress::Rule rule;
    rule.prefix = everything;
    deny.push_back(rule);
  }
  auto& exclude = config.overlay.exclude;
  if (std::find(exclude.begin(), exclude.end(), everything) == exclude.end()) exclude.push_back(everything);
}

void derive_dns(const std::string& resolv_conf, ConfigDraft& draft) {
  Config& config = draft.config;
  config.slirp.dns.upstreams = config.dns.upstreams;
  if (!config.dns.from_host) return;
  const FileText file = read_text_file(resolv_conf);
  config.slirp.dns.upstreams = parse_resolv_conf(file.text.value_or(""));
  if (!file.text) {
    draft.notice(log::Level::kWarn,
                 "dns.upstreams: " + resolv_conf + " " + file.fault + "; asking 127.0.0.1:53");
  }
}

void check_peers(ConfigDraft& draft) {
  Config& config = draft.config;
  std::map<wireguard::PublicKey, const PeerEntry*> by_key;
  std::map<Prefix, const PeerEntry*> by_prefix;
  std::map<std::string, const PeerEntry*> by_name;
  for (PeerEntry& entry : config.wireguard.peers) {
    const auto [same_key, is_new_key] = by_key.emplace(entry.peer.public_key, &entry);
    if (!is_new_key) {
      draft.problem(label(entry), "has the same public key as " + label(*same_key->second),
                    "one entry per peer");
    }
    if (!entry.is_enabled) continue;
    for (const Prefix& prefix : entry.peer.allowed_ips) {
      const auto [same_prefix, is_new_prefix] = by_prefix.emplace(prefix, &entry);
      if (is_new_prefix || same_prefix->second == &entry) continue;
      draft.problem(label(entry),
                    "claims " + prefix.to_string() + ", which is an allowed_ips of " +
                        label(*same_prefix->second) + " too",
                    "each prefix at one peer");
    }
    if (entry.peer.allowed_ips.empty()) {
      draft.notice(log::Level::kWarn, label(entry) + " has no allowed_ips: nothing of it is accepted");
    }
    if (entry.peer.name.empty()) continue;
    const auto [same_name, is_new_name] = by_name.emplace(entry.peer.name, &entry);
    if (!is_new_name) {
      draft.notice(log::Level::kWarn, label(entry) + " has the name of " + same_name->second->origin);
    }
  }
}

void check_own_key(ConfigDraft& draft) {
  Config& config = draft.config;
  if (!config.wireguard.has_private_key) return;
  const wireguard::PublicKey own = wireguard::public_key_of(config.wireguard.device.private_key);
  for (PeerEntry& entry : config.wireguard.peers) {
    if (entry.peer.public_key != own) continue;
    entry.is_enabled = false;
    draft.notice(log::Level::kWarn, label(entry) + " has the router's own public key and is not served");
  }
}

// Pairs of keys where the first must not be above the second.
template <typename Value>
void check_order(ConfigDraft& draft, std::string_view low_path, Value low, std::string_view high_path,
                 Value high) {
  if (low <= high) return;
  const bool low_is_set = draft.origin(low_path) != nullptr;
  draft.problem(draft.where(low_is_set ? low_path : high_path),
                std::string{low_path} + " is above " + std::string{high_path});
}

void check_orders(ConfigDraft& draft) {
  const slirp::TcpConfig& tcp = draft.config.slirp.tcp;
  const slirp::Limits& limits = draft.config.slirp.limits;
  check_order(draft, "tcp.min_rto", tcp.min_rto, "tcp.max_rto", tcp.max_rto);
  check_order(draft, "tcp.initial_receive_window", tcp.initial_receive_window, "tcp.max_receive_window",
              tcp.max_receive_window);
  check_order(draft, "limits.reassembly_bytes_per_guest", limits.reassembly_bytes_per_guest,
              "limits.reassembly_bytes", limits.reassembly_bytes);
  check_order(draft, "limits.tcp_memory_per_guest", limits.tcp_memory_per_guest, "limits.tcp_memory",
              limits.tcp_memory);
}

// A total below its part is what an operator means by a small total: the part follows.
void lower_parts(ConfigDraft& draft) {
  slirp::Config& stack = draft.config.slirp;
  const auto lower = [&draft](std::string_view part_path, std::size_t& part, std::size_t total) {
    if (draft.origin(part_path) == nullptr) part = std::min(part, total);
  };
  slirp::Limits& limits = stack.limits;
  lower("limits.reassembly_bytes_per_guest", limits.reassembly_bytes_per_guest, limits.reassembly_bytes);
  lower("limits.tcp_memory_per_guest", limits.tcp_memory_per_guest, limits.tcp_memory);
  lower("limits.tcp_flows_per_guest", limits.tcp_flows_per_guest, limits.tcp_flows);
  lower("limits.udp_flows_per_guest", limits.udp_flows_per_guest, limits.udp_flows);
  lower("limits.connecting_per_guest", limits.connecting_per_guest, limits.connecting);
  lower("limits.icmp_flows_per_guest", limits.icmp_flows_per_guest, limits.icmp_flows);
  lower("limits.forward_flows_per_source", limits.forward_flows_per_source, limits.forward_flows);
  lower("limits.forward_flows_per_forward", limits.forward_flows_per_forward, limits.forward_flows);
  lower("limits.forward_flows_per_guest", limits.forward_flows_per_guest, limits.forward_flows);
  const std::size_t largest_window = std::size_t{65535} << stack.tcp.window_scale;
  lower("tcp.max_receive_window", stack.tcp.max_receive_window, largest_window);
  lower("tcp.initial_receive_window", stack.tcp.initial_receive_window, stack.tcp.max_receive_window);
}

void check_windows(ConfigDraft& draft) {
  const slirp::TcpConfig& tcp = draft.config.slirp.tcp;
  if (tcp.max_receive_window <= std::size_t{65535} << tcp.window_scale) return;
  draft.problem(draft.where("tcp.max_receive_window"), "is more than tcp.window_scale can express",
                "65535 << tcp.window_scale at most");
}

}  // namespace

void read_key_files(const Environment& environment, ConfigDraft& draft) {
  WireGuardConfig& wireguard = draft.config.wireguard;
  const KeyPermissions permissions =
      wireguard.insecure_key_permissions ? KeyPermissions::kAny : KeyPermissions::kOwnerOnly;
  read_ingress_secrets(permissions, draft);
  if (!wireguard.private_key_file.empty()) {
    const KeyFile file = read_key_file(wireguard.private_key_file, permissions);
    if (file.key) {
      wireguard.device.private_key = *file.key;
      wireguard.has_private_key = true;
    } else {
      draft.problem(draft.where("wireguard.private_key_file"), wireguard.private_key_file + " " + file.fault);
    }
  } else if (!wireguard.has_private_key) {
    use_credential(environment, draft);
  }
  for (PeerEntry& entry : wireguard.peers) {
    if (entry.preshared_key_file.empty()) continue;
    const KeyFile file = read_key_file(entry.preshared_key_file, permissions);
    if (file.key) {
      entry.peer.preshared_key = file.key;
    } else {
      draft.problem(entry.origin + ": preshared_key_file", entry.preshared_key_file + " " + file.fault);
    }
  }
}

void derive_values(const std::string& resolv_conf, ConfigDraft& draft) {
  Config& config = draft.config;
  if (config.processor.workers == 0) {
    config.processor.workers = usable_cores();
  }
  if (draft.origin("metrics.format") == nullptr) config.report.format = config.log.format;
  fit_addresses_to_mtu(draft);
  if (!config.network.ipv6) refuse_ipv6(draft);
  config.slirp.own_addresses.clear();
  for (const InterfaceAddress& address : config.network.addresses) {
    config.slirp.own_addresses.push_back(address.ip);
  }
  lower_parts(draft);
  derive_dns(resolv_conf, draft);
  derive_networks(draft);
  derive_listeners(draft);
  derive_forwards(draft);
  if (!config.pcap.path.empty()) {
    draft.notice(
        log::Level::kWarn,
        "pcap.path is set: the packets of all guests are written in plain text to " + config.pcap.path);
  }
}

void check_values(ConfigDraft& draft) {
  const WireGuardConfig& wireguard = draft.config.wireguard;
  check_peers(draft);
  check_own_key(draft);
  check_orders(draft);
  check_windows(draft);
  check_networks(draft);
  check_listeners(draft);
  check_forwards(draft);
  const metrics::ProbeConfig& probe = draft.config.metrics.health.probe;
  if (probe.enabled && probe.http_url.empty() && probe.dns_name.empty()) {
    draft.notice(log::Level::kWarn, draft.where("health.probe") +
                                        ": there is nothing to ask; set health.http_url or "
                                        "health.dns_name");
  }
  const bool was_given = draft.origin("wireguard.private_key") != nullptr ||
                         draft.origin("wireguard.private_key_file") != nullptr;
  if (!wireguard.has_private_key && !was_given && !wireguard.peers.empty()) {
    draft.problem("wireguard.private_key", "there are peers, but no private key",
                  "WG_PRIVATE_KEY, WG_PRIVATE_KEY_FILE or the key in the file");
  }
  if (wireguard.has_private_key && wireguard.peers.empty()) {
    draft.notice(log::Level::kWarn, "no peer is configured: nobody can connect");
  }
}

std::vector<SocketAddress> parse_resolv_conf(std::string_view text) {
  constexpr std::size_t kMost = 8;
  std::vector<SocketAddress> upstreams;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    constexpr std::string_view kKey = "nameserver";
    if (!line.starts_with(kKey) || upstreams.size() == kMost) continue;
    line = trim(line.substr(kKey.size()));
    // A zone id names an interface of the host; such a resolver is left out.
    if (const std::optional<IpAddress> ip = IpAddress::parse(line.substr(0, line.find_first_of(" \t#")))) {
      upstreams.push_back({*ip, 53});
    }
  }
  if (upstreams.empty()) upstreams.push_back({IpAddress::v4(127, 0, 0, 1), 53});
  return upstreams;
}

}  // namespace wgr
