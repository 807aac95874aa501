#include "tests/support/sim_sockets.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "core/wire/icmp.h"

namespace wgr::sim {

// --- Internet ----------------------------------------------------------------------------------------

TcpServer& Internet::listen(const SocketAddress& address) {
  TcpServer& server = servers_[address];
  server.address = address;
  server.is_listening = true;
  return server;
}

UdpRemote& Internet::bind_udp(const SocketAddress& address) {
  auto& remote = udp_remotes_[address];
  if (!remote) remote.reset(new UdpRemote(*this, address));
  return *remote;
}

void Internet::run_until(Instant now) {
  while (!events_.empty() && events_.begin()->first.first <= now) {
    now_ = std::max(now_, events_.begin()->first.first);
    auto action = std::move(events_.begin()->second);
    events_.erase(events_.begin());
    action();
  }
  now_ = std::max(now_, now);
}

Instant Internet::next_event() const { return events_.empty() ? kNever : events_.begin()->first.first; }

void Internet::after(Duration delay, std::function<void()> action) {
  events_.emplace(std::pair{now_ + delay, order_++}, std::move(action));
}

const Host& Internet::host_or_default(const IpAddress& ip) const {
  static const Host kDefault;
  const auto found = hosts_.find(ip);
  return found == hosts_.end() ? kDefault : found->second;
}

void Internet::deliver(ReceivedDatagram datagram, Duration delay) {
  after(delay, [this, datagram = std::move(datagram)]() mutable { arrive(std::move(datagram)); });
}

template <typename Socket>
Socket* Internet::bound_to(const std::map<SocketAddress, Socket*>& sockets, const SocketAddress& address) {
  static const IpAddress kAnyV6 = *IpAddress::parse("::");
  auto found = sockets.find(address);
  if (found == sockets.end()) found = sockets.find({address.ip.is_v4() ? IpAddress{} : kAnyV6, address.port});
  return found == sockets.end() ? nullptr : found->second;
}

// --- streams -----------------------------------------------------------------------------------------

class SimStreamSocket : public egress::StreamSocket {
 public:
  SimStreamSocket(SimSockets& owner, egress::SocketToken token, std::shared_ptr<RemoteStream> stream)
      : owner_(owner), token_(token), stream_(std::move(stream)) {
    ++owner_.open_sockets;
    if (stream_) stream_->socket_ = this;
    if (stream_ && stream_->is_in_backlog_) result_ = 0;
  }
  ~SimStreamSocket() override {
    --owner_.open_sockets;
    *is_alive_ = false;
    if (!stream_ || stream_->socket_ != this) return;
    stream_->socket_ = nullptr;
    const bool unread = stream_->readable_bytes() > 0;
    const bool reset = reset_on_close_ || unread;
    stream_->internet_.after(stream_->latency_, [stream = stream_, reset, finished = is_shut_down_] {
      stream->peer_closed_ = true;
      if (reset) {
        stream->peer_reset_ = true;
      } else if (!finished) {
        stream->finish_arrived_ = true;
        stream->take_unread();
      }
    });
  }

  void connected(int result) {
    result_ = result;
    notify();
  }

  int connect_result() override { return result_; }

  egress::IoResult read(std::span<const iovec> into) override {
    ++owner_.reads;
    if (result_ == EINPROGRESS) return {.error = EAGAIN};
    if (result_ != 0) return {.error = ENOTCONN};
    RemoteStream& stream = *stream_;
    std::size_t allowed = owner_.max_bytes_per_call;
    std::size_t moved = 0;
    for (const iovec& piece : into) {
      auto* at = static_cast<std::uint8_t*>(piece.iov_base);
      std::size_t room = std::min(piece.iov_len, allowed - moved);
      while (room > 0 && stream.readable_bytes() > 0) {
        const std::size_t size = take(stream, {at, room});
        at += size;
        room -= size;
        moved += size;
      }
    }
    if (moved > 0) return {.bytes = moved};
    if (stream.reset_at_host_) return {.error = ECONNRESET};
    if (stream.finish_at_host_) return {.is_end = true};
    return {.error = EAGAIN};
  }

  egress::IoResult write(std::span<const iovec> from) override {
    ++owner_.writes;
    if (result_ == EINPROGRESS) return {.error = EAGAIN};
    if (result_ != 0 || is_shut_down_) return {.error = EPIPE};
    RemoteStream& stream = *stream_;
    if (stream.reset_at_host_) return {.error = EPIPE};
    std::size_t room = stream.send_buffer_ - std::min(stream.send_buffer_, stream.in_flight_);
    room = std::min(room, owner_.max_bytes_per_call);
    if (room == 0) return {.error = EAGAIN};
    std::vector<std::uint8_t> bytes;
    for (const iovec& piece : from) {
      const auto* at = static_cast<const std::uint8_t*>(piece.iov_base);
      const std::size_t size = std::min(piece.iov_len, room - bytes.size());
      bytes.insert(bytes.end(), at, at + size);
    }
    const std::size_t moved = bytes.size();
    stream.in_flight_ += moved;
    stream.internet_.after(stream.latency_, [stream = stream_, bytes = std::move(bytes)] {
      stream->unread_.insert(stream->unread_.end(), bytes.begin(), bytes.end());
      if (!stream->is_paused_) stream->take_unread();
    });
    return {.bytes = moved};
  }

  void shutdown_send() override {
    if (is_shut_down_ || result_ != 0) return;
    is_shut_down_ = true;
    stream_->internet_.after(stream_->latency_, [stream = stream_] {
      stream->finish_arrived_ = true;
      if (!stream->is_paused_) stream->take_unread();
    });
  }
  void reset_on_close() override { reset_on_close_ = true; }

  void watch(egress::Ready interest) override {
    watched_.readable |= interest.readable;
    watched_.writable |= interest.writable;
    notify();
  }

  // Tells what is watched and true.
  void notify() {
    const bool failed = result_ != 0 && result_ != EINPROGRESS;
    egress::Ready ready;
    if (result_ != EINPROGRESS) {
      const bool reset = stream_ && stream_->reset_at_host_;
      ready.readable = watched_.readable && (failed || reset || stream_->may_read());
      ready.writable = watched_.writable && (failed || reset || stream_->in_flight_ < stream_->send_buffer_);
    }
    if (!ready.readable && !ready.writable) return;
    if (ready.readable) watched_.readable = false;
    if (ready.writable) watched_.writable = false;
    owner_.tell(token_, ready);
  }

  std::shared_ptr<bool> is_alive() const { return is_alive_; }

 private:
  static std::size_t take(RemoteStream& stream, MutableBytes into) {
    if (!stream.to_host_.empty()) {
      auto& front = stream.to_host_.front();
      const std::size_t size = std::min(into.size(), front.size() - stream.front_read_);
      std::memcpy(into.data(), front.data() + stream.front_read_, size);
      stream.front_read_ += size;
      if (stream.front_read_ == front.size()) {
        stream.to_host_.pop_front();
        stream.front_read_ = 0;
      }
      return size;
    }
    const std::size_t size = static_cast<std::size_t>(
        std::min<std::uint64_t>(into.size(), stream.generated_total_ - stream.generated_offset_));
    stream.fill_(stream.generated_offset_, into.first(size));
    stream.generated_offset_ += size;
    return size;
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  std::shared_ptr<RemoteStream> stream_;
  int result_ = EINPROGRESS;
  egress::Ready watched_;
  bool is_shut_down_ = false;
  bool reset_on_close_ = false;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

RemoteStream::RemoteStream(Internet& internet, const SocketAddress& server_address, Duration latency)
    : internet_(internet), server_address_(server_address), latency_(latency) {}

void RemoteStream::send(Bytes bytes) {
  assert(!finished_);
  if (bytes.empty() || !has_host()) return;
  internet_.after(latency_, [this, copy = std::vector<std::uint8_t>(bytes.begin(), bytes.end())]() mutable {
    if (!has_host()) return;
    to_host_.push_back(std::move(copy));
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::send_generated(std::uint64_t total, Fill fill) {
  internet_.after(latency_, [this, total, fill = std::move(fill)]() mutable {
    if (!has_host()) return;
    fill_ = std::move(fill);
    generated_total_ = total;
    generated_offset_ = 0;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::finish() {
  if (std::exchange(finished_, true)) return;
  internet_.after(latency_, [this] {
    finish_at_host_ = true;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::reset() {
  internet_.after(latency_, [this] {
    reset_at_host_ = true;
    if (socket_ != nullptr) socket_->notify();
  });
}

void RemoteStream::resume_reading() {
  is_paused_ = false;
  take_unread();
}

void RemoteStream::take_unread() {
  if (!unread_.empty()) {
    const std::vector<std::uint8_t> bytes = std::exchange(unread_, {});
    in_flight_ -= bytes.size();
    bytes_received_ += bytes.size();
    if (keep_received) received_.insert(received_.end(), bytes.begin(), bytes.end());
    if (on_data) on_data(*this, bytes);
    if (socket_ != nullptr) socket_->notify();
  }
  if (finish_arrived_ && !peer_finished_) {
    peer_finished_ = true;
    if (on_finish) on_finish(*this);
  }
}

std::size_t RemoteStream::readable_bytes() const {
  if (!to_host_.empty()) return to_host_.front().size() - front_read_;
  return static_cast<std::size_t>(std::min<std::uint64_t>(generated_total_ - generated_offset_, SIZE_MAX));
}

bool RemoteStream::may_read() const { return readable_bytes() > 0 || finish_at_host_ || reset_at_host_; }

// --- outside clients ---------------------------------------------------------------------------------

class SimListenSocket : public egress::ListenSocket {
 public:
  SimListenSocket(SimSockets& owner, egress::SocketToken token, const SocketAddress& local)
      : owner_(owner), token_(token), local_(local) {
    ++owner_.open_sockets;
    owner_.internet_.listeners_[local_] = this;
  }
  ~SimListenSocket() override {
    --owner_.open_sockets;
    owner_.internet_.listeners_.erase(local_);
    for (const auto& [stream, local] : backlog_) {
      stream->is_in_backlog_ = false;
      stream->peer_reset_ = stream->peer_closed_ = true;
    }
  }

  egress::Accepted accept(egress::SocketToken token, const egress::StreamOptions& options) override {
    egress::Accepted accepted;
    accepted.error = backlog_.empty() ? EAGAIN : 0;
    if (accepted.error == 0 && !owner_.may_open()) accepted.error = EMFILE;
    if (owner_.accept_error != 0) accepted.error = owner_.accept_error;
    if (accepted.error != 0) return accepted;
    auto [stream, local] = std::move(backlog_.front());
    backlog_.pop_front();
    stream->options_ = options;
    accepted.client = stream->server_address_;
    accepted.local = local;
    accepted.socket = std::make_unique<SimStreamSocket>(owner_, token, stream);
    stream->is_in_backlog_ = false;
    return accepted;
  }
  void watch_readable() override {
    is_watched_ = true;
    notify();
  }
  SocketAddress local_address() const override { return local_; }

  void arrived(std::shared_ptr<RemoteStream> stream, const SocketAddress& local) {
    backlog_.emplace_back(std::move(stream), local);
    notify();
  }

 private:
  void notify() {
    if (!is_watched_ || backlog_.empty()) return;
    is_watched_ = false;
    owner_.tell(token_, {.readable = true});
  }

  SimSockets& owner_;
  const egress::SocketToken token_;
  const SocketAddress local_;
  bool is_watched_ = false;
  std::deque<std::pair<std::shared_ptr<RemoteStream>, SocketAddress>> backlog_;  // and where it has connected
};

std::shared_ptr<RemoteStream> Internet::dial(const SocketAddress& from, const SocketAddress& to) {
  std::shared_ptr<RemoteStream> stream(new RemoteStream(*this, from, host_or_default(from.ip).latency));
  stream->send_buffer_ = TcpServer{}.send_buffer;
  stream->is_in_backlog_ = true;
  after(stream->latency_, [this, stream, to] {
    if (SimListenSocket* listener = bound_to(listeners_, to)) return listener->arrived(stream, to);
    stream->is_in_backlog_ = false;
    stream->peer_reset_ = stream->peer_closed_ = true;
  });
  return stream;
}

// --- UDP ---------------------------------------------------------------------------------------------

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

void UdpRemote::send(const SocketAddress& to, Bytes payload, std::uint8_t tos) {
  internet_.deliver({address_, to, {payload.begin(), payload.end()}, 64, tos, false},
                    internet_.host_or_default(address_.ip).latency);
}

void Internet::arrive(ReceivedDatagram datagram) {
  if (SimDatagramSocket* socket = bound_to(host_sockets_, datagram.to)) {
    socket->arrived(std::move(datagram));
    return;
  }
  if (const auto found = udp_remotes_.find(datagram.to); found != udp_remotes_.end()) {
    UdpRemote& remote = *found->second;
    remote.received_.push_back(datagram);
    if (remote.on_datagram) remote.on_datagram(remote, datagram);
    return;
  }
  // Port unreachable.
  after(host_or_default(datagram.to.ip).latency, [this, datagram = std::move(datagram)]() mutable {
    SimDatagramSocket* const sender = bound_to(host_sockets_, datagram.from);
    if (sender == nullptr) return;
    egress::SocketError error;
    error.destination = datagram.to;
    error.offender = {datagram.to.ip, 0};
    error.error = ECONNREFUSED;
    const bool is_v4 = datagram.to.ip.is_v4();
    error.icmp_type = is_v4 ? wire::icmpv4::kDestinationUnreachable : wire::icmpv6::kDestinationUnreachable;
    error.icmp_code = is_v4 ? wire::icmpv4::kPortUnreachable : wire::icmpv6::kPortUnreachable;
    sender->failed(error, std::move(datagram.payload));
  });
}

// --- ping --------------------------------------------------------------------------------------------

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

// --- SimSockets --------------------------------------------------------------------------------------

SimSockets::~SimSockets() { assert(open_sockets == 0); }

egress::Opened<egress::StreamSocket> SimSockets::connect(const SocketAddress& remote,
                                                         egress::SocketToken token,
                                                         const egress::StreamOptions& options) {
  ++connects;
  if (!may_open()) return {nullptr, EMFILE};
  const Host& host = internet_.host_or_default(remote.ip);
  if (host.connect_fails_at_once != 0) return {nullptr, host.connect_fails_at_once};
  if (host.is_silent) return {std::make_unique<SimStreamSocket>(*this, token, nullptr), 0};
  const auto found = internet_.servers_.find(remote);
  if (host.connect_error != 0 || found == internet_.servers_.end() || !found->second.is_listening) {
    auto socket = std::make_unique<SimStreamSocket>(*this, token, nullptr);
    const int error = host.connect_error != 0 ? host.connect_error : ECONNREFUSED;
    internet_.after(2 * host.latency, [alive = socket->is_alive(), raw = socket.get(), error] {
      if (*alive) raw->connected(error);
    });
    return {std::move(socket), 0};
  }
  std::shared_ptr<RemoteStream> stream(new RemoteStream(internet_, remote, host.latency));
  stream->options_ = options;
  stream->send_buffer_ = found->second.send_buffer;
  auto socket = std::make_unique<SimStreamSocket>(*this, token, stream);
  internet_.after(host.latency, [this, stream, remote] {
    TcpServer& server = internet_.servers_.at(remote);
    server.streams.push_back(stream);
    if (server.on_accept) server.on_accept(*stream);
  });
  internet_.after(2 * host.latency, [alive = socket->is_alive(), raw = socket.get()] {
    if (*alive) raw->connected(0);
  });
  return {std::move(socket), 0};
}

egress::Opened<egress::DatagramSocket> SimSockets::open_udp(Family family, egress::SocketToken token,
                                                            std::uint16_t preferred_port) {
  if (!may_open()) return {nullptr, EMFILE};
  ++udp_opened;
  SocketAddress local{family == Family::kV4 ? external_v4 : external_v6, preferred_port};
  while (local.port == 0 || internet_.host_sockets_.contains(local)) {
    local.port = internet_.next_port_++;
    if (internet_.next_port_ == 0) internet_.next_port_ = 32768;
  }
  return {std::make_unique<SimDatagramSocket>(*this, token, local), 0};
}

egress::Opened<egress::PingSocket> SimSockets::open_ping(Family family, egress::SocketToken token) {
  if (ping_error != 0) return {nullptr, ping_error};
  if (!may_open()) return {nullptr, EMFILE};
  ++pings_opened;
  return {std::make_unique<SimPingSocket>(*this, token, family, internet_.next_ping_id_++), 0};
}

egress::Opened<egress::ListenSocket> SimSockets::listen_tcp(const SocketAddress& local,
                                                            egress::SocketToken token) {
  if (!may_open()) return {nullptr, EMFILE};
  if (bind_error != 0) return {nullptr, bind_error};
  if (internet_.listeners_.contains(local)) return {nullptr, EADDRINUSE};
  return {std::make_unique<SimListenSocket>(*this, token, local), 0};
}

egress::Opened<egress::DatagramSocket> SimSockets::open_udp_at(const SocketAddress& local,
                                                               egress::SocketToken token) {
  if (!may_open()) return {nullptr, EMFILE};
  if (bind_error != 0) return {nullptr, bind_error};
  if (internet_.host_sockets_.contains(local)) return {nullptr, EADDRINUSE};
  return {std::make_unique<SimDatagramSocket>(*this, token, local), 0};
}

void SimSockets::tell(egress::SocketToken token, egress::Ready ready) { ready_.emplace_back(token, ready); }

}  // namespace wgr::sim
