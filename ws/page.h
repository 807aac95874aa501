// What a person sees who opens the router in a browser: what it is, whether this connection is encrypted
// (so that the certificate was accepted, which a WebSocket needs first), who they are to us, and which
// paths serve what. No version, no secret; everything that came from outside is escaped.
//
// Thread: pure functions.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/address.h"
#include "ws/config.h"
#include "ws/http_handler.h"

namespace wgr::ws {

struct Visit {
  SocketAddress source;
  bool is_secure = false;
  std::string host;  // as the visitor called us; empty: unknown
  std::span<const Route> routes;
  std::size_t sessions = 0;  // of the same source, at this worker
};

HttpResponse make_page(const Visit& visit);
// For a path that only a WebSocket can use: the same, as 426 (RFC 9110 15.5.22).
HttpResponse make_upgrade_page(const Visit& visit);

}  // namespace wgr::ws
