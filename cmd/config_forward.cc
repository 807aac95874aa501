#include "cmd/config_forward.h"

#include <algorithm>

#include "cmd/config_draft.h"
#include "core/text.h"

namespace wgr {
namespace {

using slirp::ForwardProtocol;

constexpr std::size_t kMostPorts = 4096;

// Somebody who listens on ports of the host.
struct Claim {
  ForwardProtocol protocol;
  std::vector<IpAddress> addresses;  // empty: all
  std::uint16_t first;
  std::uint16_t last;
  std::string owner;
};

// An unspecified address stands for all of its family; "::" may take those of IPv4 too.
bool share_an_address(const std::vector<IpAddress>& a, const std::vector<IpAddress>& b) {
  if (a.empty() || b.empty()) return true;
  for (const IpAddress& x : a) {
    for (const IpAddress& y : b) {
      if (x == y || (x.family() == y.family() && (x.is_unspecified() || y.is_unspecified()))) return true;
    }
  }
  return false;
}

bool collide(const Claim& a, const Claim& b) {
  return a.protocol == b.protocol && a.first <= b.last && b.first <= a.last &&
         share_an_address(a.addresses, b.addresses);
}

std::vector<Claim> own_claims(const Config& config) {
  std::vector<Claim> claims;
  const std::uint16_t port = config.wireguard.listen_port;
  if (port != 0) {
    claims.push_back(
        {ForwardProtocol::kUdp, config.wireguard.listen_addresses, port, port, "wireguard.listen_port"});
  }
  const metrics::ListenerConfig& metrics = config.metrics.listener;
  if (metrics.enabled) {
    claims.push_back({ForwardProtocol::kTcp, metrics.addresses, metrics.port, metrics.port, "metrics.port"});
  }
  return claims;
}

void take(ConfigDraft& draft, std::vector<Claim>& claims, Claim claim) {
  for (const Claim& other : claims) {
    if (!collide(claim, other)) continue;
    const std::string ports =
        std::to_string(claim.first) + (claim.first == claim.last ? "" : "-" + std::to_string(claim.last));
    draft.problem(claim.owner,
                  (claim.protocol == ForwardProtocol::kTcp ? "TCP port " : "UDP port ") + ports +
                      " is taken by " + other.owner,
                  "ports of its own");
    return;
  }
  claims.push_back(std::move(claim));
}

void check_forward(ConfigDraft& draft, const ForwardEntry& entry) {
  if (entry.proxy_protocol && entry.protocol == ForwardProtocol::kUdp) {
    draft.problem(entry.origin + ": proxy_protocol", "is for tcp only");
  }
  const unsigned last = entry.first_guest_port + (entry.last_port - entry.first_port);
  if (last > 65535) {
    draft.problem(entry.origin + ": to", "the range goes beyond port 65535 of the guest",
                  "a lower first port");
  }
}

void read_forward_text(std::string_view text, const std::string& where, ConfigDraft& draft) {
  constexpr std::string_view kForm = "[tcp:|udp:]LISTEN=TO, such as 8080=box:80 or udp:53=10.86.0.2";
  EntryDraft<ForwardEntry> forward{draft, {}};
  forward.entry.origin = where + ": " + quote(text);
  const auto set = [&](std::string_view field, std::string_view value) {
    forward.set(*find_in(forward_settings(), field), {std::string{trim(value)}},
                forward.entry.origin + ": " + std::string{field});
  };
  std::string_view rest = text;
  for (const std::string_view protocol : {"tcp", "udp"}) {
    if (to_lower(rest.substr(0, protocol.size() + 1)) != std::string{protocol} + ":") continue;
    set("protocol", protocol);
    rest.remove_prefix(protocol.size() + 1);
    break;
  }
  const std::size_t equals = rest.find('=');
  if (equals == std::string_view::npos) return draft.problem(where, quote(text) + " is not one", kForm);
  set("listen", rest.substr(0, equals));
  set("to", rest.substr(equals + 1));
  draft.config.forwards.push_back(std::move(forward.entry));
}

}  // namespace

void read_forward_texts(const Texts& texts, const Origin& origin, ConfigDraft& draft) {
  std::vector<ForwardEntry>& forwards = draft.config.forwards;
  if (!forwards.empty()) {
    draft.notice(log::Level::kInfo, origin.where + " replaces the " + std::to_string(forwards.size()) +
                                        " forwards configured before it");
    forwards.clear();
  }
  for (const std::string& text : texts) read_forward_text(text, origin.where, draft);
}

void derive_forwards(ConfigDraft& draft) {
  for (ForwardEntry& entry : draft.config.forwards) {
    if (entry.first_guest_port == 0) entry.first_guest_port = entry.first_port;
  }
}

void check_forwards(ConfigDraft& draft) {
  const Config& config = draft.config;
  std::vector<Claim> claims = own_claims(config);
  for (const ws::ListenerConfig& listener : config.ws.listeners) {
    take(draft, claims,
         {ForwardProtocol::kTcp, listener.addresses, listener.port, listener.port, listener.origin});
  }
  std::size_t ports = 0;
  for (const ForwardEntry& entry : config.forwards) {
    if (entry.first_port == 0 || entry.target.empty()) continue;  // told by the reader
    check_forward(draft, entry);
    ports += entry.last_port - entry.first_port + std::size_t{1};
    if (ports > kMostPorts) {
      return draft.problem(entry.origin, "the forwards have too many ports", "4096 in all");
    }
    take(draft, claims,
         {entry.protocol, entry.listen_addresses, entry.first_port, entry.last_port, entry.origin});
  }
}

}  // namespace wgr
