// Peers that are reached over a WebSocket: the dialer of one worker, with the sockets, names and deadlines
// it needs. A dial stands as its peer's endpoint for as long as it is configured, connected or not.
//
// Thread: built on the main thread; afterwards confined to the worker.
#pragma once

#include <map>
#include <memory>

#include "boost/asio/io_context.hpp"

#include "cmd/shard.h"
#include "core/egress/host_sockets.h"
#include "core/egress/resolver.h"
#include "core/rng.h"
#include "ws/session_sink.h"
#include "ws/wireguard/dialer.h"

namespace wgr {

class DialPort final : public ws::SessionSink {
 public:
  using Dials = std::map<GuestId, ws::wireguard::DialUrl>;

  // `context` and `shard` outlive the port.
  DialPort(boost::asio::io_context& context, WorkerIndex worker, Shard& shard);

  // The peers of this worker that are dialed, and with what; what stays the same stays connected. Settings
  // hold as Dialer::set_settings() says.
  void set_dials(const Dials& dials, const ws::wireguard::Dialer::Settings& settings, Instant now);

  // Gives every dialed peer its dial back as the endpoint, unless it is in use by another way: once there
  // is no more to be heard by that way, the dial is what reaches the peer. Now and then.
  void restore_endpoints(Instant now);

  void send(SessionId session, Bytes datagram, Instant now);
  // At the end of a turn.
  void flush(Instant now);
  Instant next_deadline() const;
  void on_deadline(Instant now);

  // May be read from any thread.
  const ws::wireguard::DialCounters& counters() const noexcept { return counters_; }

 private:
  struct Dial {
    ws::wireguard::DialUrl url;
    SessionId session;
  };

  void datagrams_received(const ws::SessionInfo& session, std::span<const MutableBytes> datagrams,
                          Instant now) override;

  void tell_endpoint(GuestId peer, SessionId session, wireguard::EndpointOrigin origin, Instant now);
  void look_up_names();

  boost::asio::io_context& context_;
  const WorkerIndex worker_;
  Shard& shard_;
  ws::wireguard::DialCounters counters_;
  Rng rng_;
  egress::HostSockets sockets_;
  std::unique_ptr<egress::Resolver> resolver_;     // with the first dial
  std::unique_ptr<ws::wireguard::Dialer> dialer_;  // likewise
  std::map<GuestId, Dial> dials_;
};

}  // namespace wgr
