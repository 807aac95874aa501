// Health probes: one question to the network, asked the way guests' flows leave. The policy is asked about
// each address that a name has, and exactly the address it lets through is dialled.
//
//   HttpProbe: GET over TCP or TLS; a status of 200 to 399 is good
//   DnsProbe:  an A record over UDP; a reply to the question with an answer in it is good
//
// Sans-IO: sockets are those of core/egress, the clock is the caller's.
//
// Thread: confined to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cmd/http_url.h"
#include "core/egress/policy.h"
#include "core/egress/sockets.h"
#include "core/rng.h"
#include "core/time.h"
#include "ws/tls.h"

namespace wgr {

struct ProbeOutcome {
  bool is_good = false;
  std::string detail;  // one clause for the operator
};

class HttpProbe {
 public:
  // `sockets` outlives the probe; news of `token` are for socket_ready(). REQUIRES: `tls` when the URL says
  // https.
  HttpProbe(HttpUrl url, egress::Sockets& sockets, egress::SocketToken token,
            std::shared_ptr<const ws::TlsContext> tls);

  const HttpUrl& url() const noexcept { return url_; }
  // Asks anew; what was under way is given up. `addresses`: what the name of the host resolved to.
  std::optional<ProbeOutcome> start(std::span<const IpAddress> addresses, const egress::Policy& policy);
  std::optional<ProbeOutcome> socket_ready(egress::Ready ready);
  // While it connects: how many addresses there are beside the one under way, and on to the next of them.
  std::size_t other_addresses() const noexcept { return socket_ && !is_connected_ ? addresses_.size() : 0; }
  std::optional<ProbeOutcome> try_next_address();
  void stop();

 private:
  std::optional<ProbeOutcome> connect_next();
  std::optional<ProbeOutcome> socket_connected();
  std::optional<ProbeOutcome> send_pending();
  std::optional<ProbeOutcome> read_reply();
  std::optional<ProbeOutcome> unseal(Bytes sealed);
  std::optional<ProbeOutcome> judge() const;
  ProbeOutcome finish(bool is_good, std::string detail);

  const HttpUrl url_;
  const std::string request_;
  egress::Sockets& sockets_;
  const egress::SocketToken token_;
  const std::shared_ptr<const ws::TlsContext> tls_;  // null: plain

  std::vector<IpAddress> addresses_;  // not tried yet; the next is the last
  std::string last_failure_;
  std::unique_ptr<egress::StreamSocket> socket_;
  std::unique_ptr<ws::TlsChannel> channel_;
  bool is_connected_ = false;
  bool is_request_sent_ = false;       // into pending_, sealed or not
  std::vector<std::uint8_t> pending_;  // to the socket
  std::vector<std::uint8_t> reply_;    // in plain
};

class DnsProbe {
 public:
  // REQUIRES: egress::is_host_name(name).
  DnsProbe(const std::string& name, egress::Sockets& sockets, egress::SocketToken token);

  std::optional<ProbeOutcome> start(const SocketAddress& server, const egress::Policy& policy, Rng& rng);
  std::optional<ProbeOutcome> socket_ready();
  void stop() { socket_.reset(); }

 private:
  ProbeOutcome finish(bool is_good, std::string detail);

  egress::Sockets& sockets_;
  const egress::SocketToken token_;
  std::vector<std::uint8_t> query_;  // its id is new for every run
  SocketAddress server_;
  std::unique_ptr<egress::DatagramSocket> socket_;
};

}  // namespace wgr
