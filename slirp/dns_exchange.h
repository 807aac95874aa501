// One DNS question to an upstream over TCP (RFC 7766), after its answer over UDP was truncated: connect,
// write the question, read one message. Whether that answers the question is the owner's to judge, and so is
// how long it may take.
//
// Thread: confined to its stack.
#pragma once

#include <memory>

#include "core/egress/sockets.h"
#include "slirp/dns_frame.h"

namespace wgr::slirp {

class DnsExchange {
 public:
  enum class State : std::uint8_t { kWaiting, kAnswered, kFailed };

  // `socket` has begun to connect.
  DnsExchange(std::unique_ptr<egress::StreamSocket> socket, Bytes query);

  // As far as the socket lets it; call it again after news of the socket.
  State proceed();
  Bytes reply() const noexcept { return reply_.message(); }  // REQUIRES: kAnswered

 private:
  State connect();
  State write();
  State read();
  State wait_for(egress::Ready news);

  const std::unique_ptr<egress::StreamSocket> socket_;
  const DnsFrame query_;
  std::size_t written_ = 0;
  bool is_connected_ = false;
  DnsFrame reply_;
};

}  // namespace wgr::slirp
