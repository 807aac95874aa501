// The keys of the section ws, and of the entries of `listeners` and of their tokens.
#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"
#include "wireguard/endpoint_name.h"

namespace wgr {
namespace {

using namespace setting_kinds;
using namespace std::chrono_literals;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kMany = 1024 * 1024;

struct ServiceName {
  std::string_view name;
  ws::Service service;
};
constexpr ServiceName kServices[] = {
    {"ethernet", ws::Service::kEthernet},
    {"wireguard", ws::Service::kWireGuard},
    {"dns", ws::Service::kDns},
};

bool is_path(std::string_view path) {
  constexpr std::size_t kMost = 255;
  if (!path.starts_with('/') || path.size() > kMost) return false;
  for (const char c : path) {
    if (c <= ' ' || c > '~' || c == '?' || c == '#' || c == '%') return false;
  }
  return true;
}

// "/ethernet/lab=ethernet:lab".
std::optional<ws::Route> parse_route(std::string_view item) {
  const std::size_t equals = item.rfind('=');
  if (equals == std::string_view::npos || !is_path(item.substr(0, equals))) return std::nullopt;
  ws::Route route;
  route.path = item.substr(0, equals);
  while (route.path.size() > 1 && route.path.ends_with('/')) route.path.pop_back();
  const std::string_view word = item.substr(equals + 1);
  const std::size_t colon = std::min(word.find(':'), word.size());
  for (const ServiceName& known : kServices) {
    if (known.name != word.substr(0, colon)) continue;
    route.service = known.service;
    const bool is_ethernet = known.service == ws::Service::kEthernet;
    if (is_ethernet) route.network = colon == word.size() ? "default" : word.substr(colon + 1);
    if (is_ethernet ? !is_network_name(route.network) : colon != word.size()) return std::nullopt;
    return route;
  }
  return std::nullopt;
}

std::string print_route(const ws::Route& route) {
  for (const ServiceName& known : kServices) {
    if (known.service != route.service) continue;
    const bool is_named = route.service == ws::Service::kEthernet && route.network != "default";
    return route.path + "=" + std::string{known.name} + (is_named ? ":" + route.network : "");
  }
  return {};
}

template <typename Target, typename Access>
BasicSetting<Target> paths(std::string path, Access access) {
  BasicSetting<Target> setting = list<Target>(
      std::move(path), access, parse_route, print_route,
      "a map of paths to ethernet, ethernet:NETWORK, wireguard or dns, like /wg: wireguard",
      "What is served where. Empty: `/` and `/ethernet` are the network default, `/ethernet/NAME` is each "
      "network, `/wg` and `/v1/events` are WireGuard, `/dns-query` is DNS over HTTPS.");
  setting.shape = Shape::kMap;
  return setting;
}

template <typename Target, typename Access>
BasicSetting<Target> origins(std::string path, Access access) {
  return list<Target>(
      std::move(path), access,
      [](std::string_view text) -> std::optional<std::string> {
        std::string item = to_lower(text);
        const bool is_origin = item.starts_with("https://") || item.starts_with("http://");
        const std::size_t host = item.find("//") + 2;
        if (item == "*") return item;
        if (!is_origin || item.size() > 255 || host >= item.size()) return std::nullopt;
        if (item.find_first_of("/?#* ", host) != std::string::npos) return std::nullopt;
        return item;
      },
      [](const std::string& item) { return item; }, "a list of origins like https://vm.example:8443, or *",
      "Pages that may open a WebSocket, beside those of the listener's own host; their hosts are also names "
      "of "
      "the listener.");
}

// One of a listener's own keys; `access` gives its ListenerEntry.
template <typename Target, typename Access>
void add_listener_keys(std::vector<BasicSetting<Target>>& table, const std::string& prefix, Access access) {
  table.push_back(text<Target>(
      prefix + "certificate", [access](auto& t) -> auto& { return access(t).tls.certificate; },
      "the path of a PEM file", "The certificate chain, leaf first: the listener speaks TLS."));
  table.push_back(text<Target>(
      prefix + "private_key", [access](auto& t) -> auto& { return access(t).tls.private_key; },
      "the path of a PEM file with mode 0600", "The certificate's key; empty: in the certificate's file."));
  table.push_back(secret<Target>(
      prefix + "passphrase", [access](auto& t) -> auto& { return access(t).tls.passphrase; },
      [access](auto& t) -> auto& { return access(t).passphrase_file; }, "a text", "Opens the private key."));
  table.push_back(secret_file<Target>(prefix + "passphrase_file",
                                      [access](auto& t) -> auto& { return access(t).passphrase_file; }));
  table.push_back(
      paths<Target>(prefix + "paths", [access](auto& t) -> auto& { return access(t).listener.routes; }));
  table.push_back(
      origins<Target>(prefix + "origins", [access](auto& t) -> auto& { return access(t).listener.origins; }));
}

// "wg.example", "wg.example:51820", "[fd00::1]:51820", "*".
std::optional<ws::TunnelTarget> parse_tunnel_target(std::string_view item) {
  if (item == "*" || wireguard::is_host(item)) return ws::TunnelTarget{to_lower(item), 0};
  const auto endpoint = wireguard::parse_endpoint_name(item);
  if (!endpoint) return std::nullopt;
  return ws::TunnelTarget{to_lower(endpoint->host), endpoint->port};
}

std::string print_tunnel_target(const ws::TunnelTarget& target) {
  return target.port == 0 ? target.host
                          : wireguard::to_string(wireguard::EndpointName{target.host, target.port});
}

void add_simple(std::vector<Setting>& table) {
  table.push_back(boolean(
      "ws.enabled", [](auto& c) -> auto& { return c.ingress.enabled; },
      "false opens no HTTP or WebSocket listener at all, `listeners` included."));
  table.push_back(addresses(
      "ws.addresses", [](auto& c) -> auto& { return c.ingress.simple.listener.addresses; },
      "Local addresses to listen on; empty: all of both families. Beyond loopback, set a token."));
  table.push_back(number(
      "ws.port", [](auto& c) -> auto& { return c.ingress.simple.listener.port; }, 0, 65535,
      "Port of the plain listener; 0: none."));
  table.push_back(number(
      "ws.tls_port", [](auto& c) -> auto& { return c.ingress.tls_port; }, 0, 65535,
      "Port of the listener with TLS, opened when there is a certificate; 0: none."));
  add_listener_keys<Config>(table, "ws.", [](auto& c) -> auto& { return c.ingress.simple; });
  table.push_back(secret(
      "ws.token", [](auto& c) -> auto& { return c.ingress.token.token.secret; },
      [](auto& c) -> auto& { return c.ingress.token.secret_file; }, "a text of visible ASCII characters",
      "Who connects must show it: as first path segment, ?token=, subprotocol or Authorization: Bearer."));
  table.push_back(secret_file("ws.token_file", [](auto& c) -> auto& { return c.ingress.token.secret_file; }));
  table.push_back(prefixes(
      "ws.trusted_proxies", [](auto& c) -> auto& { return c.ws.trusted_proxies; },
      "Reverse proxies whose X-Forwarded-For and Forwarded headers are believed."));
  table.push_back(list(
      "ws.tunnel_targets", [](auto& c) -> auto& { return c.ws.tunnels.others; }, parse_tunnel_target,
      print_tunnel_target, "a list of HOST or HOST:PORT, or *",
      "Targets in a wstunnel client's -L udp:// that mean this router, beside localhost and the name it is "
      "called by, with wireguard.listen_port; *: whatever it says."));
}

template <typename Access>
Setting count(std::string path, Access access, std::string help) {
  return number(std::move(path), access, 1, kMany, std::move(help));
}

void add_limits(std::vector<Setting>& table) {
  table.push_back(count(
      "ws.half_open_per_source", [](auto& c) -> auto& { return c.ws.limits.half_open_per_source; },
      "Connections of one source (an IPv4 address or an IPv6 /64) that are neither a session nor kept "
      "alive."));
  table.push_back(
      count("ws.half_open", [](auto& c) -> auto& { return c.ws.limits.half_open; }, "The same in all."));
  table.push_back(count(
      "ws.kept_alive_per_source", [](auto& c) -> auto& { return c.ws.limits.kept_alive_per_source; },
      "Connections of one source kept for further plain requests; beyond, an answer ends its connection."));
  table.push_back(
      count("ws.kept_alive", [](auto& c) -> auto& { return c.ws.limits.kept_alive; }, "The same in all."));
  table.push_back(count(
      "ws.sessions_per_source", [](auto& c) -> auto& { return c.ws.limits.sessions_per_source; },
      "Open WebSockets of one source."));
  table.push_back(
      count("ws.sessions", [](auto& c) -> auto& { return c.ws.limits.sessions; }, "The same in all."));
  table.push_back(count(
      "ws.handshakes_per_second", [](auto& c) -> auto& { return c.ws.limits.handshakes_per_second; },
      "New connections of one source."));
  table.push_back(count(
      "ws.handshake_burst", [](auto& c) -> auto& { return c.ws.limits.handshake_burst; },
      "New connections of one source at once."));
  table.push_back(count(
      "ws.connections_per_proxy", [](auto& c) -> auto& { return c.ws.limits.connections_per_proxy; },
      "Connections of one trusted proxy that are no sessions yet; those count for the client it names."));
  table.push_back(count(
      "ws.control_frames_per_second", [](auto& c) -> auto& { return c.ws.limits.control_frames_per_second; },
      "Pings of a client; beyond, its session is closed."));
  table.push_back(count(
      "ws.fragments_per_message", [](auto& c) -> auto& { return c.ws.limits.fragments_per_message; },
      "Into how many frames a client may cut one message."));
}

void add_sizes(std::vector<Setting>& table) {
  table.push_back(size(
      "ws.header_bytes", [](auto& c) -> auto& { return c.ws.limits.header_bytes; }, kKiB, kMiB,
      "Largest header of a request."));
  table.push_back(size(
      "ws.body_bytes", [](auto& c) -> auto& { return c.ws.limits.body_bytes; }, kKiB, 16 * kMiB,
      "Largest body of a plain request."));
  table.push_back(size(
      "ws.queue_bytes", [](auto& c) -> auto& { return c.ws.limits.queue_bytes; }, 64 * kKiB, 1024 * kMiB,
      "What may wait for one client; beyond, the oldest messages give way."));
  table.push_back(size(
      "ws.ethernet_message_bytes", [](auto& c) -> auto& { return c.ws.limits.ethernet_message_bytes; }, 1518,
      kMiB, "Largest message of an Ethernet client."));
  table.push_back(size(
      "ws.wireguard_message_bytes", [](auto& c) -> auto& { return c.ws.limits.wireguard_message_bytes; },
      1280, 65535, "Largest message of a WireGuard client."));
}

void add_times(std::vector<Setting>& table) {
  table.push_back(duration(
      "ws.tls_timeout", [](auto& c) -> auto& { return c.ws.limits.tls_timeout; }, 100ms, 10min,
      "How long the TLS handshake may take."));
  table.push_back(duration(
      "ws.header_timeout", [](auto& c) -> auto& { return c.ws.limits.header_timeout; }, 100ms, 10min,
      "How long the header of a request may take."));
  table.push_back(duration(
      "ws.handshake_timeout", [](auto& c) -> auto& { return c.ws.limits.handshake_timeout; }, 100ms, 10min,
      "From the accepted connection to the end of the upgrade."));
  table.push_back(duration(
      "ws.keep_alive_timeout", [](auto& c) -> auto& { return c.ws.limits.keep_alive_timeout; }, 1s, 1h,
      "A plain HTTP connection without request this long is closed."));
  table.push_back(duration(
      "ws.ping_interval", [](auto& c) -> auto& { return c.ws.limits.ping_interval; }, 1s, 1h,
      "A client silent this long is pinged; two unanswered pings end its session."));
  table.push_back(duration(
      "ws.write_timeout", [](auto& c) -> auto& { return c.ws.limits.write_timeout; }, 1s, 10min,
      "A client that takes no byte this long, while some wait, loses its session."));
  table.push_back(duration(
      "ws.close_timeout", [](auto& c) -> auto& { return c.ws.limits.close_timeout; }, 100ms, 1min,
      "How long the client's close frame is waited for."));
}

std::vector<ListenerSetting> make_listener_settings() {
  std::vector<ListenerSetting> table;
  table.push_back(addresses<ListenerEntry>(
      "addresses", [](auto& entry) -> auto& { return entry.listener.addresses; },
      "Local addresses to listen on; empty: all of both families."));
  table.push_back(number<ListenerEntry>(
      "port", [](auto& entry) -> auto& { return entry.listener.port; }, 1, 65535, "Required."));
  add_listener_keys<ListenerEntry>(table, "", [](auto& entry) -> auto& { return entry; });
  return table;
}

std::vector<TokenSetting> make_token_settings() {
  std::vector<TokenSetting> table;
  table.push_back(text<TokenEntry>(
      "name", [](auto& entry) -> auto& { return entry.token.name; }, "a name",
      "What logs and metrics call it. Required."));
  table.push_back(secret<TokenEntry>(
      "secret", [](auto& entry) -> auto& { return entry.token.secret; },
      [](auto& entry) -> auto& { return entry.secret_file; }, "a text of visible ASCII characters",
      "What the client shows."));
  table.push_back(
      secret_file<TokenEntry>("secret_file", [](auto& entry) -> auto& { return entry.secret_file; }));
  table.push_back(words<TokenEntry>(
      "networks", [](auto& entry) -> auto& { return entry.token.networks; }, "a list of virtual LANs",
      "What it opens; empty: everything."));
  return table;
}

}  // namespace

std::vector<Setting> ingress_settings() {
  std::vector<Setting> table;
  add_simple(table);
  add_limits(table);
  add_sizes(table);
  add_times(table);
  table.push_back(boolean(
      "lan.enabled", [](auto& c) -> auto& { return c.lan.enabled; },
      "false: no virtual LAN, not even `default`; Ethernet clients are refused."));
  table.push_back(text(
      "lan.lease_file", [](auto& c) -> auto& { return c.lan.lease_file; }, "the path of a file",
      "Where DHCP leases survive a restart; empty: `leases` in the state folder."));
  return table;
}

const std::vector<ListenerSetting>& listener_settings() {
  static const std::vector<ListenerSetting> table = make_listener_settings();
  return table;
}

const std::vector<TokenSetting>& token_settings() {
  static const std::vector<TokenSetting> table = make_token_settings();
  return table;
}

}  // namespace wgr
