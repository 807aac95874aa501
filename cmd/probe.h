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
#include <utility>
#include <vector>

#include "cmd/http_client.h"
#include "core/egress/policy.h"
#include "core/egress/sockets.h"
#include "core/rng.h"

namespace wgr {

struct ProbeOutcome {
  bool is_good = false;
  std::string detail;  // one clause for the operator
};

class HttpProbe {
 public:
  // As HttpClient's.
  HttpProbe(HttpUrl url, egress::Sockets& sockets, egress::SocketToken token,
            std::shared_ptr<const ws::TlsContext> tls)
      : client_(std::move(url), HttpClient::Wanted::kStatus, sockets, token, std::move(tls)) {}

  const HttpUrl& url() const noexcept { return client_.url(); }
  // Asks anew; what was under way is given up. `addresses`: what the name of the host resolved to.
  std::optional<ProbeOutcome> start(std::span<const IpAddress> addresses, const egress::Policy& policy);
  std::optional<ProbeOutcome> socket_ready(egress::Ready ready);
  std::size_t other_addresses() const noexcept { return client_.other_addresses(); }
  std::optional<ProbeOutcome> try_next_address();
  void stop() { client_.stop(); }

 private:
  HttpClient client_;
};

class DnsProbe {
 public:
  // REQUIRES: egress::is_host_name(name).
  DnsProbe(const std::string& name, egress::Sockets& sockets, egress::SocketToken token);

  // `policy` null: the operator named the server as the router's own, and no policy is asked.
  std::optional<ProbeOutcome> start(const SocketAddress& server, const egress::Policy* policy, Rng& rng);
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
