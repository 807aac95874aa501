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
#include "wireguard/constants.h"

namespace wgr {

class EndpointNames {
 public:
  static constexpr Duration kStaleAfter = wireguard::kEndpointStaleAfter;
  static constexpr Duration kRetryFailedAfter = std::chrono::seconds{15};

  // `told(peer, address, origin)` gives the address to the peer's worker.
  using Told =
      std::function<void(GuestId peer, const SocketAddress& address, wireguard::EndpointOrigin origin)>;

  // Answers arrive in `context`; both outlive this object.
  EndpointNames(egress::Resolver& resolver, boost::asio::io_context& context, Told told)
      : resolver_(resolver), context_(context), told_(std::move(told)) {}

  // Whether the host can send over IPv6: else IPv6 addresses are no answer.
  void set_has_v6(bool has_v6) { has_v6_ = has_v6; }

  // The configured peers. New and changed names are resolved now.
  void set_peers(const std::map<wireguard::PublicKey, PeerBook::Entry>& peers, Instant now);
  // How old the last handshake of a peer is, as its worker reports it (Duration::max(): there was none).
  // Resolves again when that, and the last try, are too long ago.
  void handshake_seen(GuestId peer, Duration age, Instant now);

 private:
  struct Named {
    wireguard::EndpointName name;
    Instant next_try;         // not before
    bool is_failing = false;  // the last answer was none: said once
  };
  void resolve(GuestId peer, Named& named, wireguard::EndpointOrigin origin, Instant now);
  void answered(GuestId peer, const wireguard::EndpointName& name, const egress::Resolver::Answer& answer,
                wireguard::EndpointOrigin origin, Instant asked);

  egress::Resolver& resolver_;
  boost::asio::io_context& context_;
  const Told told_;
  bool has_v6_ = true;
  std::map<GuestId, Named> named_;
};

}  // namespace wgr
