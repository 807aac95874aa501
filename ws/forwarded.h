// Who a client is that comes through reverse proxies: X-Forwarded-For, or Forwarded (RFC 7239), and the
// scheme it used towards the first of them.
//
// Each proxy appends whom it saw, so only the right end is worth anything: from there, entries of trusted
// proxies are skipped and the next one is the client. A client can send either header itself; so when both
// are there and disagree, or nothing can be read, the client is the last one that is certain.
//
// Thread: pure functions.
#pragma once

#include <span>

#include "core/address.h"
#include "ws/http_handler.h"
#include "ws/origin.h"

namespace wgr::ws {

bool is_trusted_proxy(const IpAddress& address, std::span<const Prefix> trusted) noexcept;

// REQUIRES: `peer`, from which the connection comes, is a trusted proxy. The port is 0 where no proxy says.
SocketAddress forwarded_source(const HttpRequest& request, const SocketAddress& peer,
                               std::span<const Prefix> trusted);
// What the proxy says of its own side; `otherwise` if it says nothing.
Scheme forwarded_scheme(const HttpRequest& request, Scheme otherwise);

}  // namespace wgr::ws
