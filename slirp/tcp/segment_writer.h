// Writes the packets of one flow: IP and TCP headers from a template in which only numbers and sums
// change, and now and then length and flags. What is acknowledged and which window is offered is set once
// per turn and goes into every segment.
//
// Thread: confined to its connection.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/checksum.h"
#include "core/wire/tcp.h"
#include "slirp/config.h"
#include "slirp/flow_key.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class SegmentWriter {
 public:
  SegmentWriter(const Config& config, const FlowKey& key, std::uint32_t timestamp_offset) noexcept;

  // From here on every segment but a reset carries timestamps.
  void use_timestamps() noexcept;
  bool uses_timestamps() const noexcept { return tcp_size_ != wire::kTcpHeaderSize; }
  // Milliseconds with the random offset of RFC 7323 5.4.
  std::uint32_t timestamp(Instant now) const noexcept;

  // What the segments that follow say. `window` as in the header, scaled already.
  void acknowledge(SeqNumber next, std::uint16_t window) noexcept;
  void echo(std::uint32_t timestamp) noexcept;
  void set_tos(std::uint8_t tos) noexcept;

  // A segment around `payload`, its headers in the headroom of the buffer.
  void write(const PacketBuffer& payload, SeqNumber sequence, wire::TcpFlags flags, Instant now,
             PacketBatch& out) noexcept;
  // A segment of few bytes, in the batch's own memory.
  void write_small(SeqNumber sequence, wire::TcpFlags flags, Bytes payload, Instant now, PacketBatch& out);
  // An acknowledgement that reports what lies beyond it.
  void write_acknowledgement(SeqNumber sequence, std::span<const SeqRange> sack, Instant now,
                             PacketBatch& out);
  // SYN or SYN-ACK with all its options.
  void write_syn(SeqNumber sequence, const wire::TcpOptions& options, wire::TcpFlags flags,
                 std::uint16_t window, PacketBatch& out);
  // RST without options. No acknowledgement unless the flag is set.
  void write_reset(SeqNumber sequence, wire::TcpFlags flags, PacketBatch& out);

  // IP and TCP headers of a data segment.
  std::size_t header_size() const noexcept { return header_size_; }
  std::size_t ip_size() const noexcept { return is_v4_ ? 20 : 40; }

 private:
  static constexpr std::size_t kMaxHeader = 40 + wire::kTcpHeaderSize + wire::kTcpTimestampsSize;
  static constexpr std::size_t kNoSize = SIZE_MAX;

  // Writes the headers of a segment into the header_size() bytes in front of its payload, and as many more as
  // a larger header would take.
  void write_headers(MutableBytes payload, SeqNumber sequence, wire::TcpFlags flags, Instant now) noexcept;
  void prepare(std::size_t payload_size, wire::TcpFlags flags, Instant now) noexcept;
  void template_changed() noexcept { payload_size_ = kNoSize; }
  void write_with_options(SeqNumber sequence, wire::TcpFlags flags, std::uint16_t window,
                          const wire::TcpOptions& options, PacketBatch& out);
  void write_ip(std::uint8_t* packet) noexcept;
  void write_ip_alone(MutableBytes packet) noexcept;
  std::uint8_t* ip() noexcept { return template_.data() + kMaxHeader - header_size_; }
  std::uint8_t* tcp() noexcept { return template_.data() + kMaxHeader - tcp_size_; }

  // The headers stand at its end: all of it is copied, which takes fewer steps than a size to look at.
  std::array<std::uint8_t, kMaxHeader> template_{};
  std::uint8_t header_size_;
  std::uint8_t tcp_size_ = wire::kTcpHeaderSize;
  bool is_v4_;
  std::uint16_t identification_ = 0;
  std::uint32_t timestamp_offset_;
  GuestId guest_;
  wire::PartialSum addresses_;
  // Of the segment the template is for: neighbours are mostly of one size, say the same and leave together.
  std::size_t payload_size_ = kNoSize;  // kNoSize: for none, the sums are of another template
  wire::TcpFlags flags_;
  Instant stamped_at_{};
  // Of the template, in which what each segment brings is zero.
  wire::PartialSum ip_sum_;   // IPv4
  wire::PartialSum tcp_sum_;  // with the pseudo header
};

}  // namespace wgr::slirp::tcp
