// A host's ICMP echo socket on the simulated internet.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/egress/sockets.h"
#include "core/wire/icmp.h"
#include "tests/support/sim_sockets.h"

namespace wgr::sim {

class SimPingSocket : public egress::PingSocket {
 public:
  SimPingSocket(SimSockets& owner, egress::SocketToken token, Family family, std::uint16_t identifier)
      : owner_(owner), token_(token), family_(family), identifier_(identifier) {
    ++owner_.open_sockets;
  }
  ~SimPingSocket() override {
    --owner_.open_sockets;
    *is_alive_ = false;
  }

  int send(const IpAddress& to, MutableBytes message, std::uint8_t ttl, std::uint8_t) override {
    const Host& host = owner_.internet_.host_or_default(to);
    if (host.is_silent) return 0;
    // The kernel puts its own identifier in, and nobody outside ever sees the guest's.
    std::vector<std::uint8_t> copy(message.begin(), message.end());
    store_be(copy.data() + 4, identifier_);
    const bool is_v4 = family_ == Family::kV4;
    egress::SocketError error;
    error.destination = {to, 0};
    if (ttl <= host.routers.size()) {
      error.error = EHOSTUNREACH;
      error.offender = {host.routers[std::max<std::size_t>(ttl, 1) - 1], 0};
      error.icmp_type = is_v4 ? wire::icmpv4::kTimeExceeded : wire::icmpv6::kTimeExceeded;
    } else if (host.datagram_error != 0) {
      error.error = host.datagram_error;
      error.offender = {to, 0};
      error.icmp_type = host.icmp_type;
      error.icmp_code = host.icmp_code;
    } else if (!host.answers_ping) {
      return 0;
    }
    owner_.internet_.after(2 * host.latency,
                           [this, alive = is_alive_, to, error, is_v4, copy = std::move(copy)]() mutable {
                             if (!*alive) return;
                             if (error.error != 0) {
                               errors_.emplace_back(error, std::move(copy));
                             } else {
                               copy[0] = is_v4 ? wire::icmpv4::kEchoReply : wire::icmpv6::kEchoReply;
                               inbox_.emplace_back(to, std::move(copy));
                             }
                             notify();
                           });
    return 0;
  }

  egress::IoResult receive(std::vector<egress::DatagramIn>& into, std::size_t limit) override {
    owner_.scratch().clear();
    std::size_t count = 0;
    while (count < limit && !inbox_.empty()) {
      owner_.scratch().push_back(std::move(inbox_.front().second));
      into.push_back({{inbox_.front().first, 0}, owner_.scratch().back(), 0});
      inbox_.pop_front();
      ++count;
    }
    return {.bytes = count, .error = count == 0 ? EAGAIN : 0};
  }

  void receive_errors(std::vector<egress::SocketError>& into) override {
    owner_.scratch().clear();
    for (auto& [error, payload] : errors_) {
      owner_.scratch().push_back(std::move(payload));
      into.push_back(error);
      into.back().payload = owner_.scratch().back();
    }
    errors_.clear();
  }

  void watch_readable() override {
    is_watched_ = true;
    notify();
  }

 private:
  void notify() {
    if (!is_watched_ || (inbox_.empty() && errors_.empty())) return;
    is_watched_ = false;
    owner_.tell(token_, {.readable = true});
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  const Family family_;
  const std::uint16_t identifier_;
  bool is_watched_ = false;
  std::deque<std::pair<IpAddress, std::vector<std::uint8_t>>> inbox_;
  std::deque<std::pair<egress::SocketError, std::vector<std::uint8_t>>> errors_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace wgr::sim
