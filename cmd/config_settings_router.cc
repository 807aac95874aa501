// The keys of the sections wireguard, network, processor, egress, overlay, dns, log, pcap, state
// and shutdown.
#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"
#include "core/authority.h"
#include "core/wire/dns.h"
#include "wireguard/endpoint_name.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using namespace setting_kinds;
using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kGiB = 1024 * 1024 * kKiB;

Setting private_key() {
  Setting setting;
  setting.path = "wireguard.private_key";
  setting.expected = wireguard::kKeyForm;
  setting.help = "The router's private key. Without a key and a peer, the state folder's are used.";
  setting.is_secret = true;
  setting.set = [](Config& config, const Texts& texts) -> std::optional<std::string> {
    if (texts[0] == kRedacted) return "is the placeholder that print-config writes; put the key there";
    const auto key = wireguard::parse_secret_key(texts[0]);
    if (!key) return "the value is not one (" + std::to_string(texts[0].size()) + " characters)";
    if (key->is_zero()) return "is all zero";
    config.wireguard.device.private_key = *key;
    config.wireguard.has_private_key = true;
    return std::nullopt;
  };
  setting.get = [](const Config& config) {
    const bool is_inline = config.wireguard.has_private_key && config.wireguard.private_key_file.empty();
    return is_inline && !config.first_start ? Texts{std::string{kRedacted}} : Texts{};
  };
  return setting;
}

Setting mtu() {
  Setting setting = number(
      "network.mtu", [](auto& config) -> auto& { return config.slirp.mtu; }, 576, 65535,
      "Largest inner packet. 1280 at least where there are inner IPv6 addresses.");
  setting.set = [set_stack = setting.set](Config& config, const Texts& texts) {
    const std::optional<std::string> problem = set_stack(config, texts);
    config.wireguard.device.mtu = config.slirp.mtu;
    return problem;
  };
  return setting;
}

Setting workers() {
  Setting setting = number(
      "processor.workers", [](auto& config) -> auto& { return config.processor.workers; }, 1, 64,
      "Worker threads, each with its own socket, peers and flows; auto: one per core.");
  setting.expected = "auto or " + setting.expected;
  setting.set = [set_count = setting.set](Config& config, const Texts& texts) -> std::optional<std::string> {
    if (to_lower(texts[0]) != "auto") return set_count(config, texts);
    config.processor.workers = 0;
    return std::nullopt;
  };
  setting.get = [](const Config& config) {
    return Texts{config.processor.workers == 0 ? "auto" : std::to_string(config.processor.workers)};
  };
  return setting;
}

Setting dns_upstreams() {
  Setting setting;
  setting.path = "dns.upstreams";
  setting.expected = "host, or a list of addresses like 9.9.9.9, 1.1.1.1:53 or [2620:fe::fe]:53";
  setting.help =
      "Where DNS questions to the router's own addresses go. host: the resolvers of /etc/resolv.conf; an "
      "empty "
      "list turns the service off.";
  setting.shape = Shape::kList;
  setting.set = [](Config& config, const Texts& texts) -> std::optional<std::string> {
    DnsConfig dns{.from_host = false, .upstreams = {}};
    for (const std::string& item : texts) {
      if (to_lower(item) == "host") {
        dns.from_host = true;
        continue;
      }
      std::optional<SocketAddress> upstream = SocketAddress::parse(item);
      const std::optional<IpAddress> ip = IpAddress::parse(item);
      if (ip) upstream = SocketAddress{*ip, 53};
      if (!upstream || upstream->port == 0) return is_not_one(item);
      dns.upstreams.push_back(*upstream);
    }
    if (dns.from_host && !dns.upstreams.empty()) return "host stands alone";
    config.dns = dns;
    return std::nullopt;
  };
  setting.get = [](const Config& config) {
    Texts texts;
    if (config.dns.from_host) texts.emplace_back("host");
    for (const SocketAddress& upstream : config.dns.upstreams) texts.push_back(upstream.to_string());
    return texts;
  };
  return setting;
}

Setting dial_proxy() {
  Setting setting;
  setting.path = "wireguard.dial_proxy";
  setting.expected = "http://[user:password@]host[:port] or empty";
  setting.help = "HTTP proxy (CONNECT) through which peers at wss:// and ws:// are dialed.";
  setting.set = [](Config& config, const Texts& texts) -> std::optional<std::string> {
    config.wireguard.dial_proxy.reset();
    if (texts[0].empty()) return std::nullopt;
    if (texts[0].find(std::string{kRedacted} + "@") != std::string::npos) {
      return "holds the placeholder that print-config writes; put user and password there";
    }
    const auto url = ws::wireguard::parse_proxy_url(texts[0]);
    if (!url) return std::string{url.error()};
    config.wireguard.dial_proxy = *url;
    return std::nullopt;
  };
  setting.get = [](const Config& config) {
    const auto& proxy = config.wireguard.dial_proxy;
    if (!proxy) return Texts{std::string{}};
    const std::string login = proxy->authorization.empty() ? "" : std::string{kRedacted} + "@";
    return Texts{"http://" + login + host_and_port(proxy->host, proxy->port)};
  };
  return setting;
}

Setting public_endpoint() {
  Setting setting = text(
      "wireguard.public_endpoint", [](auto& c) -> auto& { return c.wireguard.public_endpoint; },
      "host or host:port",
      "The endpoint printed into the first client's .conf; empty: this host's main address.");
  setting.set = [set_text = setting.set](Config& config, const Texts& texts) -> std::optional<std::string> {
    const bool is_usable =
        texts[0].empty() || wireguard::is_host(texts[0]) || wireguard::parse_endpoint_name(texts[0]);
    return is_usable ? set_text(config, texts) : is_not_one(texts[0]);
  };
  return setting;
}

void add_wireguard(std::vector<Setting>& table) {
  table.push_back(private_key());
  table.push_back(text(
      "wireguard.private_key_file", [](auto& c) -> auto& { return c.wireguard.private_key_file; },
      "the path of a file with mode 0600", "The same from a file; whitespace around it is ignored."));
  table.push_back(boolean(
      "wireguard.insecure_key_permissions",
      [](auto& c) -> auto& { return c.wireguard.insecure_key_permissions; },
      "true accepts key files that group or others may read."));
  table.push_back(number(
      "wireguard.listen_port", [](auto& c) -> auto& { return c.wireguard.listen_port; }, 0, 65535,
      "UDP port of the tunnel; 0: the kernel chooses."));
  table.push_back(list(
      "wireguard.listen_addresses", [](auto& c) -> auto& { return c.wireguard.listen_addresses; },
      [](std::string_view item) { return IpAddress::parse(item); },
      [](const IpAddress& ip) { return ip.to_string(); }, "a list of IP addresses",
      "Local addresses to listen on; empty: all of both families."));
  table.push_back(public_endpoint());
  table.push_back(text(
      "wireguard.dial_authorities", [](auto& c) -> auto& { return c.wireguard.dial_authorities; },
      "the path of a PEM file", "Authorities that may vouch for peers at wss://; empty: the system's."));
  table.push_back(dial_proxy());
  table.push_back(number(
      "wireguard.staged_packets", [](auto& c) -> auto& { return c.wireguard.device.staged_packets; }, 1,
      65536, "Packets kept per peer while a handshake runs; the oldest gives way."));
  table.push_back(number(
      "wireguard.handshake_queue", [](auto& c) -> auto& { return c.wireguard.device.handshake_queue; }, 1,
      65536, "Initiations per second from which a worker demands cookies."));
}

void add_network(std::vector<Setting>& table) {
  table.push_back(mtu());
  table.push_back(list(
      "network.addresses", [](auto& c) -> auto& { return c.network.addresses; },
      [](std::string_view item) { return InterfaceAddress::parse(item); },
      [](const InterfaceAddress& address) { return address.to_string(); },
      "a list of addresses like 10.86.0.1/24 or fd86::1/64",
      "The router's own inner addresses: they answer ping and DNS."));
  table.push_back(boolean(
      "network.ipv6", [](auto& c) -> auto& { return c.network.ipv6; },
      "false refuses inner IPv6: guests get ICMPv6 administratively prohibited. "
      "The host's own IPv6 is never touched."));
  table.push_back(number(
      "network.ttl", [](auto& c) -> auto& { return c.slirp.ttl; }, 1, 255,
      "TTL and hop limit of packets the router originates."));
  table.push_back(boolean(
      "network.copy_tos", [](auto& c) -> auto& { return c.slirp.copy_tos; },
      "Copies the DSCP of a guest's packets onto the replies."));
}

void add_policy(std::vector<Setting>& table) {
  table.push_back(rules(
      "egress.allow", [](auto& c) -> auto& { return c.egress.rules.allow; },
      "What guests may reach beside the public internet. `private` opens the local network."));
  table.push_back(rules(
      "egress.deny", [](auto& c) -> auto& { return c.egress.rules.deny; },
      "What guests may not reach; wins over allow."));
  table.push_back(boolean(
      "egress.allow_metadata", [](auto& c) -> auto& { return c.egress.allow_metadata; },
      "Opens cloud metadata services (169.254.169.254 and the like)."));
  table.push_back(boolean(
      "overlay.enabled", [](auto& c) -> auto& { return c.overlay.enabled; },
      "Packets for another peer's AllowedIPs go to that peer."));
  table.push_back(list(
      "overlay.exclude", [](auto& c) -> auto& { return c.overlay.exclude; },
      [](std::string_view item) { return Prefix::parse(item); },
      [](const Prefix& prefix) { return prefix.to_string(); }, "a list of prefixes like 172.16.0.0/12",
      "Destinations that always leave through the host, overlay or not."));
}

void add_operation(std::vector<Setting>& table) {
  using log::Format;
  using log::Level;
  const Words<Format> formats = {{"text", Format::kText}, {"json", Format::kJson}};
  table.push_back(choice<Level>(
      "log.level", [](auto& c) -> auto& { return c.log.level; },
      {{"trace", Level::kTrace},
       {"debug", Level::kDebug},
       {"info", Level::kInfo},
       {"warn", Level::kWarn},
       {"error", Level::kError}},
      "How much is written to standard error."));
  table.push_back(choice<Format>(
      "log.format", [](auto& c) -> auto& { return c.log.format; }, formats, "How each line is written."));
  table.push_back(text(
      "pcap.path", [](auto& c) -> auto& { return c.pcap.path; }, "the path of a file",
      "Writes every inner packet to this file (mode 0600): plain text of all guests."));
  table.push_back(size(
      "pcap.max_bytes", [](auto& c) -> auto& { return c.pcap.max_bytes; }, 4 * kKiB, 1024 * kGiB,
      "Where the capture ends."));
  table.push_back(text(
      "state.folder", [](auto& c) -> auto& { return c.state_folder; }, "the path of a folder",
      "Where a router without configuration keeps its key and its first client; empty: "
      "$STATE_DIRECTORY, /var/lib/wgrouter (as root), $XDG_STATE_HOME/wgrouter or "
      "~/.local/state/wgrouter."));
  table.push_back(duration(
      "shutdown.grace", [](auto& c) -> auto& { return c.shutdown_grace; }, 0s, 10min,
      "How long SIGTERM lets live flows finish."));
}

}  // namespace

std::vector<Setting> router_settings() {
  std::vector<Setting> table;
  add_wireguard(table);
  add_network(table);
  table.push_back(workers());
  table.push_back(number(
      "processor.mailbox_capacity", [](auto& c) -> auto& { return c.processor.mailbox_capacity; }, 16,
      1'048'576, "Packets that may wait on their way to another worker; more are dropped."));
  add_policy(table);
  table.push_back(dns_upstreams());
  table.push_back(duration(
      "dns.timeout", [](auto& c) -> auto& { return c.slirp.dns.timeout; }, 100ms, 1min,
      "Before the next upstream is asked."));
  table.push_back(number(
      "dns.outstanding_per_guest", [](auto& c) -> auto& { return c.slirp.dns.outstanding_per_guest; }, 1,
      65536, "Questions of one guest, or of one source over HTTPS, that may wait for an answer."));
  table.push_back(boolean(
      "dns.rebind_protection", [](auto& c) -> auto& { return c.slirp.dns.rebind_protection; },
      "true refuses answers with private or local addresses, by which a name of the internet leads a guest's "
      "browser into the host's networks."));
  table.push_back(list(
      "dns.rebind_exceptions", [](auto& c) -> auto& { return c.slirp.dns.rebind_exceptions; },
      [](std::string_view item) {
        auto name = wire::DnsName::parse(item);
        return name == wire::DnsName{} ? std::nullopt : name;
      },
      [](const wire::DnsName& name) { return name.to_string(); }, "a list of domains like corp.example",
      "Domains whose names may have such addresses all the same."));
  add_operation(table);
  return table;
}

}  // namespace wgr
