// The HTTP and WebSocket server of one worker: listening sockets shared with the other workers by
// SO_REUSEPORT, and the sessions it accepted. It does the input and output around ws/connection.
//
//   accept -> source limits -> [TLS] -> HTTP -> gate -> upgrade -> session -> SessionSink
//                                          \-> page, 404, 426, or HttpHandler
//
// Thread: built on the main thread before its io_context runs; afterwards confined to the thread that runs
// it. The counters may be read from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boost/asio/io_context.hpp"

#include "core/address.h"
#include "core/bytes.h"
#include "core/session_id.h"
#include "core/time.h"
#include "ws/config.h"
#include "ws/counters.h"
#include "ws/http_handler.h"
#include "ws/session_sink.h"

namespace wgr::ws {

class SourceLimits;
class TlsContexts;

class Server {
 public:
  // Opens and binds the listening sockets; throws std::exception with a sentence for the operator when
  // it cannot. `tls` has one entry per listener. Limits, sink and handler outlive the server; the limits are
  // those of every server that the same clients can reach.
  Server(boost::asio::io_context& context, WorkerIndex worker, std::shared_ptr<const Config> config,
         std::shared_ptr<const TlsContexts> tls, SourceLimits& limits, SessionSink& sink,
         HttpHandler& handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // What ports of 0 became, by listener.
  std::vector<SocketAddress> addresses() const;
  // Where it should listen and does not any more, as the kernel says.
  std::vector<SocketAddress> unbound() const;
  void start();

  // Queues one message to a session; false if there is none. A full queue drops its oldest messages and
  // counts them. Nothing leaves before flush().
  bool send(SessionId session, Bytes message, Instant now);
  // At the end of a turn: writes what was queued, one system call per session.
  void flush(Instant now);
  // For a thread without turns: flush() comes by itself behind whatever brought something. Before start().
  void flush_by_itself();
  // How full the queue of a session is, in bytes; for pacing.
  std::size_t queued_bytes(SessionId session) const;

  void close(SessionId session, std::uint16_t code, std::string_view reason, Instant now);
  // The answer to a request; ignored when the client is gone.
  void respond(RequestId request, const HttpResponse& response, Instant now);

  // New certificates for new connections; origins, tokens and limits likewise, but for those of the sources.
  // The listeners stay.
  // REQUIRES: as many of them as before, in the same order.
  void reload(std::shared_ptr<const Config> config, std::shared_ptr<const TlsContexts> tls);
  // Accepts nobody more and closes every session with 1001; they end within the close time-out.
  void drain(Instant now);
  std::size_t active_sessions() const noexcept;

  const Counters& counters() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace wgr::ws
