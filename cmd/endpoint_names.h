// Endpoints that are configured by host name: resolved off the packet path at start, and again when the
// peer has had no handshake for 135 s (its address may have changed).
//
// Thread: the main thread's.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "boost/asio/io_context.hpp"

#include "cmd/peer_book.h"
#include "core/egress/resolver.h"
#include "core/time.h"

namespace wgr {

class EndpointNames {
 public:
  static constexpr Duration kStaleAfter = std::chrono::seconds{135};

  // `told(peer, address, origin)` gives the address to the peer's worker.
  using Told =
      std::function<void(GuestId peer, const SocketAddress& address, wireguard::EndpointOrigin origin)>;

  // Answers arrive in `context`; both outlive this object.
  EndpointNames(egress::Resolver& resolver, boost::asio::io_context& context, Told told)
      : resolver_(resolver), context_(context), told_(std::move(told)) {}

  // The configured peers. New and changed names are resolved now.
  void set_peers(const std::map<wireguard::PublicKey, PeerBook::Entry>& peers, Instant now);
  // How old the last handshake of a peer is, as its worker reports it (Duration::max(): there was none).
  // Resolves again when that, and the last try, are too long ago.
  void handshake_seen(GuestId peer, Duration age, Instant now);

 private:
  struct Named {
    wireguard::EndpointName name;
    Instant asked;
  };
  void resolve(GuestId peer, const Named& named, wireguard::EndpointOrigin origin);

  egress::Resolver& resolver_;
  boost::asio::io_context& context_;
  const Told told_;
  std::map<GuestId, Named> named_;
};

}  // namespace wgr
