// Where the messages of WebSocket sessions go: the router's side of the server. Every call comes from the
// worker of the server; the memory of frames and datagrams stays in place until the call returns and may
// be written to.
#pragma once

#include <span>
#include <string>

#include "core/address.h"
#include "core/bytes.h"
#include "core/session_id.h"
#include "core/time.h"
#include "ws/config.h"

namespace wgr::ws {

struct SessionInfo {
  SessionId id;
  Service service = Service::kEthernet;
  std::string network;   // kEthernet
  SocketAddress source;  // the client; behind a trusted proxy, what that said
  std::string token;     // the name of the token it showed; empty: none
};

// What a sink does not take it leaves out: a server without such a service never calls it.
class SessionSink {
 public:
  virtual ~SessionSink() = default;

  virtual void session_opened(const SessionInfo& /*session*/, Instant /*now*/) {}
  // kEthernet: whole Ethernet frames, whatever framing the client speaks.
  virtual void frames_received(const SessionInfo& /*session*/, std::span<const MutableBytes> /*frames*/,
                               Instant /*now*/) {}
  // kWireGuard
  virtual void datagrams_received(const SessionInfo& /*session*/, std::span<const MutableBytes> /*datagrams*/,
                                  Instant /*now*/) {}
  // Anything was heard, at least a pong: the client lives. At most once a second for each session.
  virtual void session_heard(SessionId /*session*/, Instant /*now*/) {}
  // The last call about this session.
  virtual void session_closed(SessionId /*session*/, Instant /*now*/) {}
};

}  // namespace wgr::ws
