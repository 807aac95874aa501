#include "ws/http_gate.h"

#include <algorithm>

#include "core/text.h"
#include "ws/credentials.h"
#include "ws/forwarded.h"
#include "ws/handshake.h"
#include "ws/origin.h"
#include "ws/wireguard/tunnel_token.h"

namespace wgr::ws {
namespace {

constexpr std::string_view kQemuSubprotocol = "binary";

enum class Presence : std::uint8_t { kAbsent, kOnce, kRepeated };

struct Field {
  Presence presence = Presence::kAbsent;
  std::string_view value;
};

Field field_of(const HttpRequest& request, std::string_view name) {
  Field field;
  for (const auto& [header, value] : request.headers) {
    if (header != name) continue;
    if (field.presence != Presence::kAbsent) return {.presence = Presence::kRepeated, .value = {}};
    field = {.presence = Presence::kOnce, .value = value};
  }
  return field;
}

bool is_offered(std::span<const std::string> offered, std::string_view subprotocol) {
  return std::ranges::find(offered, subprotocol) != offered.end();
}

std::string_view without_final_slash(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path;
}

const Route* find_route(std::span<const Route> routes, std::string_view path) {
  const auto found = std::ranges::find_if(routes, [&](const Route& route) {
    return without_final_slash(route.path) == without_final_slash(path);
  });
  return found == routes.end() ? nullptr : &*found;
}

const Route* first_of(std::span<const Route> routes, Service service) {
  const auto found = std::ranges::find(routes, service, &Route::service);
  return found == routes.end() ? nullptr : &*found;
}

bool opens(const Token& token, const Route& route) {
  if (token.networks.empty()) return true;
  return route.service == Service::kEthernet &&
         std::ranges::find(token.networks, route.network) != token.networks.end();
}

// A secret is echoed only if the client offered nothing else.
std::string choose_subprotocol(std::span<const std::string> offered) {
  if (offered.empty()) return {};
  const auto plain = std::ranges::find_if(offered, [](const std::string& token) {
    return !token.starts_with(kBearerSubprotocol) && !token.starts_with(wireguard::kTunnelTokenPrefix);
  });
  return plain == offered.end() ? offered.front() : *plain;
}

// A header's text, as far as it is fit for a close reason or a log.
std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  const bool is_visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (!is_visible || text.empty()) return "(unreadable)";
  return text.size() <= kMost ? std::string{text} : std::string{text.substr(0, kMost)} + "...";
}

class Gate {
 public:
  Gate(const HttpRequest& request, const Arrival& arrival, const ListenerConfig& listener,
       const Config& config)
      : request_(request),
        arrival_(arrival),
        listener_(listener),
        tunnels_(config.tunnels),
        is_proxied_(is_trusted_proxy(arrival.peer.ip, config.trusted_proxies)),
        offered_(offered_subprotocols(request)),
        credentials_(find_credentials(request, offered_, listener.tokens)) {
    const Scheme own = arrival.is_tls ? Scheme::kHttps : Scheme::kHttp;
    scheme_ = is_proxied_ ? forwarded_scheme(request, own) : own;
    source_ = is_proxied_ ? forwarded_source(request, arrival.peer, config.trusted_proxies) : arrival.peer;
    host_ = field_of(request, "host");
    if (host_.presence == Presence::kOnce) self_ = WebOrigin::parse_host(host_.value, scheme_);
  }

  Decision decide() const {
    const Route* const route = find_route(listener_.routes, credentials_.path);
    const bool has_handler = route != nullptr && !is_websocket(route->service);
    return {.verdict = asks_for_upgrade(request_) ? upgrade() : plain(),
            .handler = has_handler ? std::optional{route->service} : std::nullopt,
            .source = source_,
            .is_secure = scheme_ == Scheme::kHttps,
            .token = credentials_.token == nullptr ? std::string{} : credentials_.token->name,
            .path = credentials_.path};
  }

 private:
  using Verdict = decltype(Decision::verdict);

  Verdict upgrade() const {
    const Route* const route = upgrade_route();
    if (route == nullptr) return Answer::kNotFound;
    std::string subprotocol = choose_subprotocol(offered_);
    if (std::string fault = site_fault(); !fault.empty()) {
      return Refusal{
          .why = Refusal::Why::kOrigin, .subprotocol = std::move(subprotocol), .reason = std::move(fault)};
    }
    if (!has_token_for(*route)) {
      return Refusal{.why = Refusal::Why::kToken,
                     .subprotocol = std::move(subprotocol),
                     .reason = credentials_.token == nullptr ? "a valid token is required"
                                                             : "this token does not open this network"};
    }
    const std::string_view fault = route->service == Service::kWireGuard ? fault_of_tunnel() : "";
    if (!fault.empty()) {
      return Refusal{
          .why = Refusal::Why::kTunnel, .subprotocol = std::move(subprotocol), .reason = std::string{fault}};
    }
    Upgrade upgrade{
        .service = route->service, .network = route->network, .wire = Wire::kMessages, .subprotocol = {}};
    if (route->service == Service::kEthernet && is_offered(offered_, kQemuSubprotocol)) {
      upgrade.wire = Wire::kQemu;
      subprotocol = kQemuSubprotocol;
    }
    upgrade.subprotocol = std::move(subprotocol);
    upgrade.is_tunnel = route->service == Service::kWireGuard && tunnel_token() != nullptr;
    return upgrade;
  }

  const Route* upgrade_route() const {
    if (tunnel_token() != nullptr && wireguard::is_tunnel_path(request_.path)) {
      return first_of(listener_.routes, Service::kWireGuard);
    }
    const Route* const route = find_route(listener_.routes, credentials_.path);
    return route != nullptr && is_websocket(route->service) ? route : nullptr;
  }

  // Offered by wstunnel, whatever it says; null: none.
  const std::string* tunnel_token() const {
    if (!is_offered(offered_, wireguard::kTunnelSubprotocol)) return nullptr;
    const auto found = std::ranges::find_if(offered_, [](const std::string& subprotocol) {
      return subprotocol.starts_with(wireguard::kTunnelTokenPrefix);
    });
    return found == offered_.end() ? nullptr : &*found;
  }

  // Of a tunnel for anything but datagrams, or to elsewhere, we could only serve garbage: the client would
  // wait for answers that nobody can give. Claims that name no target ask for nothing else. Empty: none.
  std::string_view fault_of_tunnel() const {
    const std::string* const token = tunnel_token();
    const auto tunnel = token == nullptr ? std::nullopt : wireguard::parse_tunnel_token(*token);
    if (!tunnel) return {};
    if (!tunnel->is_udp()) return "only a tunnel for UDP can be served";
    const std::string own_names[] = {arrival_.local.ip.to_string(), self_ ? self_->host : std::string{}};
    if (wireguard::is_for_us(*tunnel, tunnels_, own_names)) return {};
    return "this tunnel leads elsewhere: ask for localhost and this router's WireGuard port";
  }

  Verdict plain() const {
    const Route* const route = find_route(listener_.routes, credentials_.path);
    if (route != nullptr && !is_websocket(route->service)) return handle(*route);
    const bool is_root = credentials_.path == "/" || credentials_.path.empty();
    const bool has_page = is_root && std::ranges::any_of(listener_.routes, is_websocket, &Route::service);
    if (route == nullptr && !has_page) return Answer::kNotFound;
    if (request_.method != "GET" && request_.method != "HEAD") return Answer::kMethodNotAllowed;
    return has_page ? Answer::kPage : Answer::kUpgradeRequired;
  }

  // DNS is for pages too, so it is gated like a WebSocket. Metrics and health show nothing to a page of
  // another host: its script may not read what has no CORS header. One that calls us by its own host's name
  // could; a client that says no Host at all is no browser.
  Verdict handle(const Route& route) const {
    const std::string_view methods = allowed_methods(route.service);
    const std::vector<std::string> known = split_list(methods);
    if (std::ranges::find(known, request_.method) == known.end()) return Answer::kMethodNotAllowed;
    if (route.service == Service::kDns) {
      if (std::string fault = site_fault(); !fault.empty()) return Forbidden{std::move(fault)};
    } else if (host_.presence != Presence::kAbsent && !may_be_called_so()) {
      return Forbidden{"host " + shown(host_.value) + " is neither an address nor in metrics.hosts"};
    }
    // A preflight carries no Authorization (Fetch 3.2.2), and only asks what is allowed.
    if (request_.method != "OPTIONS" && !has_token_for(route)) return Answer::kUnauthorized;
    return Handle{route.service};
  }

  bool has_token_for(const Route& route) const {
    if (listener_.tokens.empty()) return true;
    return credentials_.token != nullptr && opens(*credentials_.token, route);
  }

  // Why the page, or the program, may not enter; empty: it may. Short enough for a close frame.
  std::string site_fault() const {
    if (!may_be_called_so()) {
      return "host " + shown(host_.value) + " is not known; see --ws-origin or ws.origins";
    }
    const Field origin = field_of(request_, "origin");
    if (origin.presence == Presence::kAbsent) {
      if (credentials_.token != nullptr || is_local()) return {};
      return "a client without an Origin header needs a token; see --ws-token-file or ws.token_file";
    }
    const bool is_allowed =
        origin.presence == Presence::kOnce && is_origin_allowed(origin.value, self_, listener_.origins);
    if (is_allowed) return {};
    const auto page = WebOrigin::parse(origin.value);
    return "origin " + shown(page ? page->to_string() : origin.value) +
           " is not allowed; see --ws-origin or ws.origins";
  }

  // A name that an attacker points at us makes his page one of the same host. But no certificate stands for
  // it, no proxy of ours serves it, and his page has no token.
  bool may_be_called_so() const {
    return arrival_.is_tls || is_proxied_ || credentials_.token != nullptr ||
           is_host_believable(self_, listener_.origins, listener_.names);
  }

  bool is_local() const {
    return !is_proxied_ && arrival_.local.ip.is_loopback() && arrival_.peer.ip.is_loopback();
  }

  const HttpRequest& request_;
  const Arrival& arrival_;
  const ListenerConfig& listener_;
  const TunnelTargets& tunnels_;
  const bool is_proxied_;
  const std::vector<std::string> offered_;
  const Credentials credentials_;
  Scheme scheme_ = Scheme::kHttp;
  SocketAddress source_;
  Field host_;
  std::optional<WebOrigin> self_;  // as the client calls us
};

}  // namespace

Decision decide(const HttpRequest& request, const Arrival& arrival, const ListenerConfig& listener,
                const Config& config) {
  return Gate{request, arrival, listener, config}.decide();
}

std::string_view allowed_methods(std::optional<Service> handler) {
  return handler == Service::kDns ? "GET,HEAD,POST,OPTIONS" : "GET,HEAD";
}

}  // namespace wgr::ws
