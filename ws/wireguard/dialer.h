// Dials peers whose endpoint is a wss:// or ws:// URL, keeps each connection up, and moves WireGuard messages
// over it: one binary message is one datagram.
//
// Each dial has one SessionId for life, whatever happens to its connections, so it can stand as the
// endpoint of a peer. What is sent while there is no connection waits a little (dial_plan.h). The sink hears
// session_opened() once, at the first connection, and session_closed() once, after drop().
//
// It opens sockets through egress::Sockets and asks its owner for names, so the whole of it runs in
// tests at simulated time. URLs come from the operator: the egress policy of guests is not asked.
//
// Thread: confined to one worker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/egress/sockets.h"
#include "core/rng.h"
#include "core/session_id.h"
#include "core/time.h"
#include "ws/client_stream.h"
#include "ws/config.h"
#include "ws/session_sink.h"
#include "ws/tls.h"
#include "ws/wireguard/counters.h"
#include "ws/wireguard/dial_plan.h"
#include "ws/wireguard/dial_url.h"

namespace wgr::ws::wireguard {

// Serials of dials begin here, those of accepted sessions stay below.
inline constexpr std::uint64_t kFirstDialSerial = std::uint64_t{1} << 55;

constexpr bool is_dialed(SessionId session) noexcept { return session.value() >> 8 >= kFirstDialSerial; }

class Dialer {
 public:
  struct Settings {
    std::shared_ptr<const TlsContext> tls;  // TlsContext::for_client(); null: wss:// URLs fail
    std::optional<ProxyUrl> proxy;
    Limits limits;
  };

  // A name to look up; resolved() is called with the answer, never from inside the call that asks.
  struct Lookup {
    SessionId session;
    std::string name;
  };

  // Sockets, sink, counters and rng outlive this object. News about sockets come by socket_ready(); their
  // tokens are session values.
  Dialer(WorkerIndex worker, const Settings& settings, egress::Sockets& sockets, SessionSink& sink,
         DialCounters& counters, Rng& rng);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // TLS, proxy and the bound of the queue are those of the attempts to come; other limits hold at once.
  void set_settings(const Settings& settings);
  // The first attempt is due at once, by on_deadline().
  SessionId dial(const DialUrl& url, Instant now);
  // Says goodbye and forgets it; ignored if it is not there. REQUIRES for this and all below: not called
  // from inside the sink, but for send().
  void drop(SessionId session, Instant now);

  // Queues one datagram; false if there is no such dial. What does not fill a write leaves with flush().
  bool send(SessionId session, Bytes datagram, Instant now);
  void flush(Instant now);

  void socket_ready(egress::SocketToken token, egress::Ready ready, Instant now);
  // In the order to be tried; empty: it failed. A late answer is ignored.
  void resolved(SessionId session, const std::vector<IpAddress>& addresses, const std::string& error,
                Instant now);

  Instant next_deadline() const noexcept;
  void on_deadline(Instant now);
  // Names asked for since the last call.
  std::vector<Lookup> take_lookups() { return std::exchange(lookups_, {}); }

  bool is_open(SessionId session) const noexcept;
  // Why the last attempt failed or the last connection ended; empty: neither has happened.
  std::string_view failure(SessionId session) const noexcept;

 private:
  struct Dial;

  Dial* find(SessionId session) const noexcept;
  void begin(Dial& dial, Instant now);
  void connect_next(Dial& dial, Instant now);
  void connected(Dial& dial, Instant now);
  void read(Dial& dial, Instant now);
  void deliver(Dial& dial, Instant now);
  bool is_worth_writing(const Dial& dial) const;
  void write(Dial& dial, Instant now);
  void opened(Dial& dial, Instant now);
  void end_attempt(Dial& dial, Counter& counter, std::string why, Instant now);
  void note_failure(Dial& dial, std::string why);
  void end_if_closed(Dial& dial, Instant now);
  void disconnect(Dial& dial);
  Gauge& gauge_of(DialPlan::State state) noexcept;
  void count_state(Dial& dial);
  void count_sent(Dial& dial);

  const WorkerIndex worker_;
  Settings settings_;
  WebSocket::Settings websocket_settings_;
  egress::Sockets& sockets_;
  SessionSink& sink_;
  DialCounters& counters_;
  Rng& rng_;
  ChunkPool pool_;
  std::uint64_t next_serial_ = kFirstDialSerial;
  std::map<SessionId, std::unique_ptr<Dial>> dials_;
  std::vector<Lookup> lookups_;
  std::vector<SessionId> dirty_;
  const Dial* being_read_ = nullptr;  // its datagrams are with the sink

  // Used in turn by all dials.
  std::vector<std::uint8_t> input_;
  std::vector<std::uint8_t> plain_;
  std::vector<Message> messages_;
  std::vector<MutableBytes> datagrams_;
};

}  // namespace wgr::ws::wireguard
