// The upgrade from HTTP to WebSocket (RFC 6455 section 4), both sides: checks and texts, no bytes moved.
// Who may upgrade (origin, token, path) is the gate's business.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "ws/http_handler.h"
#include "ws/http_message.h"

namespace wgr::ws {

inline constexpr std::string_view kWebSocketVersion = "13";

// ---- server

// Whether the client means to upgrade, rightly or not; otherwise it is a plain request.
bool asks_for_upgrade(const HttpRequest& request) noexcept;

enum class UpgradeFault : std::uint8_t {
  kNone,
  kMethod,     // not GET: answer 405
  kVersion,    // not 13: answer 426 and say which
  kMalformed,  // key, Connection, Host, a body: 400
};

// RFC 6455 4.2.1.
UpgradeFault check_upgrade(const HttpRequest& request) noexcept;
// What to answer. REQUIRES: fault != kNone.
HttpResponse refusal_of(UpgradeFault fault);

// The subprotocols a client offers, in its order, over all of its headers; nothing if one of them is no
// token.
std::vector<std::string> offered_subprotocols(const HttpRequest& request);

// 101. `subprotocol`: the one chosen of those offered; empty: none, which browsers take only if they
// offered none. REQUIRES: check_upgrade(request) == kNone.
std::string upgrade_response(const HttpRequest& request, std::string_view subprotocol);

// ---- client

struct UpgradeRequest {
  std::string host;  // with the port unless it is the scheme's own
  std::string target = "/";
  std::vector<std::string> subprotocols;
  std::vector<std::pair<std::string, std::string>> headers;  // beside those of the upgrade
  std::string key;                                           // make_key()
};

std::string make_key(Rng& rng);
// REQUIRES: nothing in it has control characters.
std::string to_text(const UpgradeRequest& request);
// Why the answer is no upgrade: one clause for the operator; nothing when all is well.
std::optional<std::string> find_fault(const UpgradeRequest& request, const HttpAnswer& answer);

// What a server answers to `key` (4.2.2); in handshake_key.cc, which alone needs SHA-1.
std::string accept_key(std::string_view key);

}  // namespace wgr::ws
