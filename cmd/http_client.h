// One GET at a time over TCP or TLS, for the health probe, which asks whether a page answers, and for the
// command healthcheck, which shows what it says.
//
//   start(addresses) --> socket_ready() ... --> Outcome
//
// Addresses are tried in their order until one connects. The head of the answer has a bound, its body is cut
// at one, and there is one read per turn. Redirects are not followed, and chunks are left as they come. The
// deadline is the caller's, who gives up with stop(), and so is the question to the policy.
//
// Sans-IO: sockets are those of core/egress; the answer's head is read by ws::HttpAnswerParser.
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
#include "core/egress/sockets.h"
#include "ws/http_message.h"
#include "ws/tls.h"

namespace wgr {

class HttpClient {
 public:
  static constexpr std::size_t kMaxHead = 64 * 1024;
  static constexpr std::size_t kMaxBody = 64 * 1024;

  enum class Wanted : std::uint8_t { kStatus, kBody };

  struct Outcome {
    unsigned status = 0;  // 0: there is no answer, and `problem` says why
    std::string body;     // kBody: what there is of it when its length has come, or the end, or kMaxBody
    std::string problem;  // one clause for the operator
  };

  // `sockets` outlives the client; news of `token` are for socket_ready(). REQUIRES: `tls` when the URL says
  // https.
  HttpClient(HttpUrl url, Wanted wanted, egress::Sockets& sockets, egress::SocketToken token,
             std::shared_ptr<const ws::TlsContext> tls);

  const HttpUrl& url() const noexcept { return url_; }
  // Asks anew; what was under way is given up. `addresses`: what the name of the host resolved to.
  std::optional<Outcome> start(std::span<const IpAddress> addresses);
  std::optional<Outcome> socket_ready(egress::Ready ready);
  // While it connects: how many addresses there are beside the one under way, and on to the next of them.
  std::size_t other_addresses() const noexcept { return socket_ && !is_connected_ ? addresses_.size() : 0; }
  std::optional<Outcome> try_next_address();
  void stop();

 private:
  std::optional<Outcome> connect_next();
  std::optional<Outcome> socket_connected();
  std::optional<Outcome> send_pending();
  std::optional<Outcome> read_answer();
  std::optional<Outcome> unseal(Bytes sealed, std::vector<std::uint8_t>& plain);
  void take(Bytes plain);
  bool is_body_whole() const;
  std::optional<Outcome> judge(bool is_end);
  Outcome failed(std::string problem);

  const HttpUrl url_;
  const Wanted wanted_;
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
  std::optional<ws::HttpAnswerParser> head_;
  std::string body_;
};

}  // namespace wgr
