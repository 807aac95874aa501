// The WebSocket side of one worker: joins the server's sessions with the shard, and answers DNS over HTTPS
// (RFC 8484) through the shard's stack.
//
// Thread: built on the main thread; afterwards confined to the worker.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cmd/dns_over_https.h"
#include "cmd/shard.h"
#include "ws/server.h"
#include "ws/source_limits.h"
#include "ws/tls.h"

namespace wgr {

class SessionPort final : public ws::SessionSink, public ws::HttpHandler {
 public:
  struct Settings {
    std::shared_ptr<const ws::Config> config;
    std::shared_ptr<const ws::TlsContexts> tls;
    std::vector<std::string> networks;  // names by index
  };

  // Opens the listening sockets; throws std::exception with a sentence for the operator. Limits and shard
  // outlive the port.
  SessionPort(boost::asio::io_context& context, WorkerIndex worker, const Settings& settings,
              ws::SourceLimits& limits, Shard& shard);

  void start() { server_.start(); }
  // One message to a session of this worker.
  void send(SessionId session, Bytes message, Instant now);
  void close(SessionId session, std::uint16_t code, std::string_view reason, Instant now) {
    server_.close(session, code, reason, now);
  }
  // At the end of the turn: answers what the stack has answered, writes what was queued.
  void flush(Instant now);
  void drain(Instant now) { server_.drain(now); }
  void reload(const Settings& settings) { server_.reload(settings.config, settings.tls); }

  ws::Server& server() noexcept { return server_; }
  const ws::Server& server() const noexcept { return server_; }

 private:
  void session_opened(const ws::SessionInfo& session, Instant now) override;
  void frames_received(const ws::SessionInfo& session, std::span<const MutableBytes> frames,
                       Instant now) override;
  void datagrams_received(const ws::SessionInfo& session, std::span<const MutableBytes> datagrams,
                          Instant now) override;
  void session_heard(SessionId session, Instant now) override;
  void session_closed(SessionId session, Instant now) override;
  void request_received(ws::RequestId id, ws::Service service, const SocketAddress& source,
                        const ws::HttpRequest& request, Instant now) override;

  NetworkIndex network_of(const std::string& name) const;

  Shard& shard_;
  const std::map<std::string, NetworkIndex, std::less<>> networks_;
  std::map<SessionId, NetworkIndex> ethernet_sessions_;
  ws::Server server_;
};

}  // namespace wgr
