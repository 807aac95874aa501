// A host's UDP socket on the simulated internet, with the errors and the path MTU that Linux would tell of.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "core/egress/sockets.h"
#include "core/wire/icmp.h"
#include "tests/support/sim_sockets.h"

namespace wgr::sim {

class SimDatagramSocket : public egress::DatagramSocket {
 public:
  static constexpr std::size_t kQueue = 4096;  // datagrams; more are lost, as in a kernel

  SimDatagramSocket(SimSockets& owner, egress::SocketToken token, const SocketAddress& local)
      : owner_(owner), token_(token), local_(local) {
    ++owner_.open_sockets;
    owner_.internet_.host_sockets_[local_] = this;
  }
  ~SimDatagramSocket() override {
    --owner_.open_sockets;
    owner_.internet_.host_sockets_.erase(local_);
  }

  egress::IoResult send(std::span<const egress::DatagramOut> datagrams) override {
    ++owner_.datagram_sends;
    std::size_t sent = 0;
    for (const egress::DatagramOut& datagram : datagrams) {
      const int error = send_one(datagram);
      if (error != 0) return {.bytes = sent, .error = error};
      ++sent;
    }
    return {.bytes = sent};
  }

  egress::IoResult receive(std::vector<egress::DatagramIn>& into, std::size_t limit) override {
    owner_.scratch().clear();
    std::size_t count = 0;
    while (count < limit && !inbox_.empty()) {
      ReceivedDatagram datagram = std::move(inbox_.front());
      inbox_.pop_front();
      owner_.scratch().push_back(std::move(datagram.payload));
      into.push_back({datagram.from, owner_.scratch().back(), datagram.tos, datagram.to.ip});
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
    pending_error_ = 0;  // as sock_dequeue_err_skb() does
  }

  void watch_readable() override {
    is_watched_ = true;
    notify();
  }
  SocketAddress local_address() const override { return local_; }
  // The address of what it sends.
  SocketAddress source_of(const egress::DatagramOut& datagram) const {
    if (!datagram.from.is_unspecified()) return {datagram.from, local_.port};
    return local_.ip.is_unspecified() ? SocketAddress{owner_.external(local_.ip.family()), local_.port}
                                      : local_;
  }

  void arrived(ReceivedDatagram datagram) {
    if (inbox_.size() >= kQueue) return;
    inbox_.push_back(std::move(datagram));
    notify();
  }
  void failed(egress::SocketError error, std::vector<std::uint8_t> payload) {
    errors_.emplace_back(error, std::move(payload));
    if (!error.is_local) pending_error_ = error.error;
    notify();
  }

 private:
  int send_one(const egress::DatagramOut& datagram) {
    if (owner_.refuse_datagrams > 0) {
      --owner_.refuse_datagrams;
      return EAGAIN;
    }
    // With IP_RECVERR an error that has come in is told by the next call too.
    if (const int error = std::exchange(pending_error_, 0); error != 0) return error;
    Internet& internet = owner_.internet_;
    const Host& host = internet.host_or_default(datagram.to.ip);
    if (host.send_fails_at_once != 0) return host.send_fails_at_once;
    const std::vector<std::uint8_t> payload(datagram.payload.begin(), datagram.payload.end());
    const std::size_t size = payload.size() + (datagram.to.ip.is_v4() ? 28 : 48);
    egress::SocketError error;
    error.destination = datagram.to;
    if (datagram.dont_fragment && size > host.path_mtu && known_mtu_.contains(datagram.to.ip)) {
      error.error = EMSGSIZE;
      error.mtu = host.path_mtu;
      error.is_local = true;
      failed(error, payload);
      return EMSGSIZE;
    }
    if (host.is_silent) return 0;
    if (datagram.ttl <= host.routers.size()) {
      error.error = EHOSTUNREACH;
      error.offender = {host.routers[std::max<std::size_t>(datagram.ttl, 1) - 1], 0};
      error.icmp_type = datagram.to.ip.is_v4() ? wire::icmpv4::kTimeExceeded : wire::icmpv6::kTimeExceeded;
      fail_later(error, payload, host.latency);
    } else if (datagram.dont_fragment && size > host.path_mtu) {
      known_mtu_.insert(datagram.to.ip);
      error.error = EMSGSIZE;
      error.mtu = host.path_mtu;
      error.offender = {host.routers.empty() ? datagram.to.ip : host.routers.back(), 0};
      error.icmp_type =
          datagram.to.ip.is_v4() ? wire::icmpv4::kDestinationUnreachable : wire::icmpv6::kPacketTooBig;
      error.icmp_code = datagram.to.ip.is_v4() ? wire::icmpv4::kFragmentationNeeded : 0;
      fail_later(error, payload, host.latency);
    } else if (host.datagram_error != 0) {
      error.error = host.datagram_error;
      error.offender = {datagram.to.ip, 0};
      error.icmp_type = host.icmp_type;
      error.icmp_code = host.icmp_code;
      fail_later(error, payload, host.latency);
    } else {
      const auto ttl = static_cast<std::uint8_t>(datagram.ttl - host.routers.size());
      internet.deliver({source_of(datagram), datagram.to, payload, ttl, datagram.tos, datagram.dont_fragment},
                       host.latency);
    }
    return 0;
  }

  void fail_later(const egress::SocketError& error, std::vector<std::uint8_t> payload, Duration latency) {
    Internet& internet = owner_.internet_;
    internet.after(2 * latency, [&internet, local = local_, error, payload = std::move(payload)]() mutable {
      const auto found = internet.host_sockets_.find(local);
      if (found != internet.host_sockets_.end()) found->second->failed(error, std::move(payload));
    });
  }

  void notify() {
    if (!is_watched_ || (inbox_.empty() && errors_.empty())) return;
    is_watched_ = false;
    owner_.tell(token_, {.readable = true});
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  const SocketAddress local_;
  bool is_watched_ = false;
  int pending_error_ = 0;
  std::set<IpAddress> known_mtu_;
  std::deque<ReceivedDatagram> inbox_;
  std::deque<std::pair<egress::SocketError, std::vector<std::uint8_t>>> errors_;
};

}  // namespace wgr::sim
