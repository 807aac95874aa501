// Decides about a request before anything is done for it: which service it means, whether its page and its
// token may use that, and what is answered otherwise.
//
//   plain request    a page, a service's handler, or an error that tells nothing
//   upgrade          by path to a service; the offered subprotocol then chooses the framing
//
// A page's script can read no HTTP error of a WebSocket, only a close code. So who may not enter is
// upgraded and then closed with 4003 and a reason; what does not exist is a plain 404.
//
// Subprotocols (RFC 6455 4.2.2): browsers fail unless exactly one offered token comes back, and unless
// none does if none was offered. "v1" with "authorization.bearer.JWT" is wstunnel, whatever the path's
// prefix, and must ask for a tunnel to this router's WireGuard; "binary" on a path of Ethernet is QEMU's
// stream; everything else goes by path and is echoed.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/address.h"
#include "ws/config.h"
#include "ws/http_handler.h"

namespace wgr::ws {

// How the connection of a request came to us.
struct Arrival {
  SocketAddress peer;
  SocketAddress local;
  bool is_tls = false;
};

// How the messages of a WebSocket carry what the service speaks.
enum class Wire : std::uint8_t {
  kMessages,  // one frame or datagram is one message
  kQemu,      // Ethernet: a stream of lengths and frames
};

struct Upgrade {
  Service service = Service::kEthernet;
  std::string network;  // kEthernet
  Wire wire = Wire::kMessages;
  std::string subprotocol;  // to echo; empty: none
  bool is_tunnel = false;   // of a wstunnel client
};

struct Refusal {
  enum class Why : std::uint8_t { kOrigin, kToken, kTunnel };
  Why why = Why::kOrigin;
  std::string subprotocol;  // to echo, so that the close code is read
  std::string reason;       // for the close frame
};

// 403: a plain request of another site.
struct Forbidden {
  std::string reason;  // for the body
};

// To be answered by the service's handler.
struct Handle {
  Service service = Service::kHealth;
};

enum class Answer : std::uint8_t {
  kPage,             // 200: what this is
  kUpgradeRequired,  // 426, and the page: a WebSocket path
  kNotFound,
  kMethodNotAllowed,
  kUnauthorized,  // 401: a token is missing
};

struct Decision {
  std::variant<Answer, Handle, Upgrade, Refusal, Forbidden> verdict;
  std::optional<Service> handler;  // the path is that of a handler's service
  SocketAddress source;            // who asks; behind a trusted proxy, what that said
  bool is_secure = false;          // TLS as the client sees it, ours or the proxy's
  std::string token;               // the name of the token shown; empty: none
  std::string path;                // as routed: without the token
};

// `config`: what holds for all listeners.
Decision decide(const HttpRequest& request, const Arrival& arrival, const ListenerConfig& listener,
                const Config& config);

// What a 405 says of the methods that would do. `handler`: none for a path of WebSockets or of the page.
std::string_view allowed_methods(std::optional<Service> handler);

}  // namespace wgr::ws
