#include "tests/bench/guest_flow.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "core/wire/ipv4.h"
#include "core/wire/udp.h"

namespace wgr::bench {
namespace {

constexpr Duration kFirstTimeout = std::chrono::milliseconds{300};
constexpr Duration kLastTimeout = std::chrono::seconds{3};

// The payload behind the headers is zero and stays zero.
thread_local std::array<std::uint8_t, 65536> packet_memory{};

// Signed distance on the circle of sequence numbers.
std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
  return static_cast<std::int32_t>(to - from);
}

}  // namespace

GuestFlow::GuestFlow(const GuestFlowOptions& options, const SocketAddress& local, const SocketAddress& remote)
    : options_(options),
      local_(local),
      remote_(remote),
      addresses_(wire::address_sum(local.ip, remote.ip)),
      initial_(std::uint32_t{local.port} * 2654435761u),
      timeout_(kFirstTimeout) {}

void GuestFlow::connect(Instant now, PacketSink& sink) {
  send_segment(wire::kTcpSyn, initial_, 0, sink);
  deadline_ = now + timeout_;
}

void GuestFlow::abort(PacketSink& sink) {
  if (!is_over()) send_segment(wire::kTcpRst | wire::kTcpAck, sequence_of(next_), 0, sink);
  state_ = State::kReset;
  deadline_ = kNever;
}

void GuestFlow::receive(const wire::TcpView& segment, Instant now, PacketSink& sink) {
  const wire::TcpFlags flags = segment.flags();
  if (is_over()) return;
  if (flags.rst()) {
    state_ = State::kReset;
    deadline_ = kNever;
    return;
  }
  if (flags.syn()) {
    if (state_ == State::kSynSent && flags.ack() && segment.acknowledgement() == initial_ + 1) {
      state_ = State::kEstablished;
      receive_next_ = segment.sequence() + 1;
      peer_scale_ = segment.options().window_scale.value_or(0);
      peer_window_ = segment.window();
      timeout_ = kFirstTimeout;
      deadline_ = kNever;
    }
    must_acknowledge_ = true;
    return;
  }
  if (state_ == State::kSynSent || !flags.ack()) return;
  read_acknowledgement(segment, now, sink);

  const auto size = static_cast<std::uint32_t>(segment.payload().size());
  if (size == 0 && !flags.fin()) return;
  if (segment.sequence() != receive_next_ || peer_finished_) {
    ++out_of_order_;
    send_segment(wire::kTcpAck, sequence_of(next_), 0, sink);
    return;
  }
  receive_next_ += size;
  received_bytes_ += size;
  unacknowledged_ += size;
  if (flags.fin()) {
    ++receive_next_;
    peer_finished_ = true;
  }
  must_acknowledge_ = true;
  if (unacknowledged_ >= options_.acknowledge_every * options_.mss) {
    send_segment(wire::kTcpAck, sequence_of(next_), 0, sink);
  }
}

void GuestFlow::read_acknowledgement(const wire::TcpView& segment, Instant now, PacketSink& sink) {
  const std::int32_t ahead = distance(sequence_of(acknowledged_), segment.acknowledgement());
  const std::uint64_t window = std::uint64_t{segment.window()} << peer_scale_;
  const bool is_duplicate = ahead == 0 && segment.payload().empty() && !segment.flags().fin() &&
                            window == peer_window_ && highest_ > acknowledged_;
  if (ahead < 0) return;
  peer_window_ = window;
  if (is_duplicate) {
    if (++duplicates_ == 3) go_back(now, sink);
    return;
  }
  duplicates_ = 0;
  if (ahead == 0) return;
  acknowledged_ += static_cast<std::uint32_t>(ahead);
  next_ = std::max(next_, acknowledged_);
  timeout_ = kFirstTimeout;
  rearm(now);
  if (state_ == State::kClosing && acknowledged_ == write_end_ + 1 && peer_finished_) {
    state_ = State::kClosed;
    deadline_ = kNever;
  }
}

void GuestFlow::go_back(Instant now, PacketSink& sink) {
  ++retransmissions_;
  next_ = acknowledged_;
  send_data(now, sink);
}

void GuestFlow::end_batch(Instant now, PacketSink& sink) {
  if (state_ == State::kSynSent || is_over()) return;
  send_data(now, sink);
  if (must_acknowledge_) send_segment(wire::kTcpAck, sequence_of(next_), 0, sink);
  if (state_ == State::kClosing && acknowledged_ == write_end_ + 1 && peer_finished_) {
    state_ = State::kClosed;
    deadline_ = kNever;
  }
}

void GuestFlow::send_data(Instant now, PacketSink& sink) {
  const std::uint64_t window = std::min<std::uint64_t>(peer_window_, options_.max_in_flight);
  const std::uint64_t edge = std::min(acknowledged_ + window, write_end_);
  while (next_ < edge) {
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(options_.mss, edge - next_));
    // RFC 9293 3.8.6.2.1: a short segment only at the end of what was written.
    if (size < options_.mss && next_ + size < write_end_ && next_ > acknowledged_) break;
    const bool is_last = next_ + size == write_end_;
    send_segment(is_last ? wire::kTcpAck | wire::kTcpPsh : wire::kTcpAck, sequence_of(next_), size, sink);
    next_ += size;
  }
  if (wants_close_ && next_ == write_end_ && (state_ == State::kEstablished || state_ == State::kClosing)) {
    send_segment(wire::kTcpFin | wire::kTcpAck, sequence_of(next_), 0, sink);
    ++next_;
    state_ = State::kClosing;
  }
  highest_ = std::max(highest_, next_);
  if (deadline_ == kNever) rearm(now);
}

void GuestFlow::rearm(Instant now) noexcept {
  const bool is_waiting = next_ > acknowledged_ || next_ < write_end_;
  deadline_ = is_waiting ? now + timeout_ : kNever;
}

void GuestFlow::on_deadline(Instant now, PacketSink& sink) {
  if (now < deadline_ || is_over()) return;
  timeout_ = std::min(timeout_ * 2, kLastTimeout);
  deadline_ = now + timeout_;
  if (state_ == State::kSynSent) {
    ++retransmissions_;
    send_segment(wire::kTcpSyn, initial_, 0, sink);
    return;
  }
  if (peer_window_ == 0 && acknowledged_ < write_end_) {  // a window probe
    send_segment(wire::kTcpAck, sequence_of(acknowledged_), 1, sink);
    next_ = std::max(next_, acknowledged_ + 1);
    highest_ = std::max(highest_, next_);
    return;
  }
  go_back(now, sink);
}

void GuestFlow::send_segment(wire::TcpFlags flags, std::uint32_t sequence, std::uint32_t payload,
                             PacketSink& sink) {
  wire::TcpHeader header;
  header.source_port = local_.port;
  header.destination_port = remote_.port;
  header.sequence = sequence;
  header.acknowledgement = flags.ack() ? receive_next_ : 0;
  header.flags = flags;
  const std::uint32_t window = options_.receive_window;
  header.window = static_cast<std::uint16_t>(std::min(flags.syn() ? window : window >> kScale, 65535u));
  if (flags.syn()) {
    header.options.mss = static_cast<std::uint16_t>(options_.mss);
    header.options.window_scale = kScale;
  }
  const std::size_t headers = wire::kIpv4HeaderSize + header.size();
  const MutableBytes packet{packet_memory.data(), headers + payload};
  wire::write_ipv4(packet,
                   {.source = local_.ip, .destination = remote_.ip, .protocol = wire::IpProtocol::kTcp});
  wire::write_tcp(packet.subspan(wire::kIpv4HeaderSize), header, addresses_, wire::PartialSum{});
  sink.send_packet(packet);
  if (flags.syn())
    std::fill_n(packet.begin() + wire::kIpv4HeaderSize + wire::kTcpHeaderSize, 20, std::uint8_t{0});
  if (flags.ack()) {
    must_acknowledge_ = false;
    unacknowledged_ = 0;
  }
}

GuestUdpPacket::GuestUdpPacket(const SocketAddress& local, const SocketAddress& remote, std::size_t payload)
    : size_(wire::kIpv4HeaderSize + wire::kUdpHeaderSize + payload) {
  assert(size_ <= packet_.size());
  const MutableBytes packet{packet_.data(), size_};
  wire::write_udp(packet.subspan(wire::kIpv4HeaderSize), local, remote);
  wire::write_ipv4(packet,
                   {.source = local.ip, .destination = remote.ip, .protocol = wire::IpProtocol::kUdp});
}

}  // namespace wgr::bench
