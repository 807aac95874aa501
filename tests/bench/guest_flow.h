// A TCP end for load: as little TCP as keeps a correct peer busy, so that the generator costs less than
// the router it drives. Every payload byte is zero, so checksums cover headers only.
//
// It offers window scaling and MSS, no SACK and no timestamps; keeps in-order data only, answers the
// rest with duplicate acknowledgements; resends from the hole after three of them or a time-out. It has
// no congestion window: the peer's window and `max_in_flight` bound it. Not for lossy paths.
#pragma once

#include <cstdint>

#include "core/address.h"
#include "core/bytes.h"
#include "core/time.h"
#include "core/wire/checksum.h"
#include "core/wire/tcp.h"

namespace wgr::bench {

// Where packets of a guest go.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  // `packet` may be overwritten after the call.
  virtual void send_packet(Bytes packet) = 0;
};

struct GuestFlowOptions {
  std::uint32_t mss = 1380;  // fills 1420 bytes
  std::uint32_t receive_window = 2 * 1024 * 1024;
  std::uint32_t max_in_flight = 2 * 1024 * 1024;
  std::uint32_t acknowledge_every = 2;  // full segments; and at the end of every batch
};

class GuestFlow {
 public:
  enum class State : std::uint8_t { kSynSent, kEstablished, kClosing, kClosed, kReset };
  static constexpr std::uint64_t kUnlimited = std::uint64_t{1} << 62;

  GuestFlow(const GuestFlowOptions& options, const SocketAddress& local, const SocketAddress& remote);

  // Sends the SYN.
  void connect(Instant now, PacketSink& sink);
  // Adds bytes to send.
  void write(std::uint64_t size) noexcept { write_end_ += size; }
  // FIN after what was written.
  void close() noexcept { wants_close_ = true; }
  // RST at once.
  void abort(PacketSink& sink);

  void receive(const wire::TcpView& segment, Instant now, PacketSink& sink);
  // Sends what is due: acknowledgement, data, FIN.
  void end_batch(Instant now, PacketSink& sink);

  Instant next_deadline() const noexcept { return deadline_; }
  void on_deadline(Instant now, PacketSink& sink);

  State state() const noexcept { return state_; }
  bool is_over() const noexcept { return state_ == State::kClosed || state_ == State::kReset; }
  bool has_peer_finished() const noexcept { return peer_finished_; }
  std::uint64_t received_bytes() const noexcept { return received_bytes_; }
  std::uint64_t acknowledged_bytes() const noexcept { return acknowledged_; }
  std::uint64_t retransmissions() const noexcept { return retransmissions_; }
  std::uint64_t out_of_order() const noexcept { return out_of_order_; }
  const SocketAddress& local() const noexcept { return local_; }

 private:
  static constexpr std::uint8_t kScale = 8;

  void read_acknowledgement(const wire::TcpView& segment, Instant now, PacketSink& sink);
  void go_back(Instant now, PacketSink& sink);
  void send_data(Instant now, PacketSink& sink);
  void send_segment(wire::TcpFlags flags, std::uint32_t sequence, std::uint32_t payload, PacketSink& sink);
  void rearm(Instant now) noexcept;
  // Stream offsets and the sequence numbers that carry them; the SYN comes before offset 0.
  std::uint32_t sequence_of(std::uint64_t offset) const noexcept {
    return initial_ + 1 + static_cast<std::uint32_t>(offset);
  }

  const GuestFlowOptions options_;
  const SocketAddress local_;
  const SocketAddress remote_;
  const wire::PartialSum addresses_;
  const std::uint32_t initial_;

  State state_ = State::kSynSent;
  // Sending, as offsets into our stream: acknowledged_ <= next_ <= write_end_ (+1 for the FIN).
  std::uint64_t acknowledged_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t highest_ = 0;
  std::uint64_t write_end_ = 0;
  std::uint64_t peer_window_ = 0;
  std::uint8_t peer_scale_ = 0;
  std::uint32_t duplicates_ = 0;
  bool wants_close_ = false;
  Instant deadline_ = kNever;
  Duration timeout_;

  std::uint32_t receive_next_ = 0;
  std::uint32_t unacknowledged_ = 0;  // bytes received since our last acknowledgement
  bool must_acknowledge_ = false;
  bool peer_finished_ = false;

  std::uint64_t received_bytes_ = 0;
  std::uint64_t retransmissions_ = 0;
  std::uint64_t out_of_order_ = 0;
};

// A UDP packet with a payload of zeros, ready to send.
class GuestUdpPacket {
 public:
  GuestUdpPacket(const SocketAddress& local, const SocketAddress& remote, std::size_t payload);
  Bytes bytes() const noexcept { return Bytes{packet_}.first(size_); }

 private:
  std::array<std::uint8_t, 1500> packet_{};
  std::size_t size_;
};

}  // namespace wgr::bench
