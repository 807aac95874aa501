#include "slirp/tcp/segment_writer.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace wgr::slirp::tcp {
namespace {

using wire::kTcpHeaderSize;
using wire::kTcpTimestampsSize;

// Offsets in the TCP header.
constexpr std::size_t kSequence = 4;
constexpr std::size_t kAcknowledgement = 8;
constexpr std::size_t kDataOffset = 12;
constexpr std::size_t kFlags = 13;
constexpr std::size_t kWindow = 14;
constexpr std::size_t kChecksum = 16;
// Of the aligned timestamps option: NOP, NOP, kind, length, value, echo (RFC 7323 appendix A).
constexpr std::size_t kTimestampValue = kTcpHeaderSize + 4;
constexpr std::size_t kTimestampEcho = kTcpHeaderSize + 8;
// Offsets in the IP headers.
constexpr std::size_t kIpv4Length = 2;
constexpr std::size_t kIpv4Identification = 4;
constexpr std::size_t kIpv4Checksum = 10;
constexpr std::size_t kIpv6PayloadLength = 4;

constexpr std::uint8_t data_offset(std::size_t header) { return static_cast<std::uint8_t>(header / 4 << 4); }

}  // namespace

SegmentWriter::SegmentWriter(const Config& config, const FlowKey& key,
                             std::uint32_t timestamp_offset) noexcept
    : is_v4_(key.remote.ip.is_v4()),
      timestamp_offset_(timestamp_offset),
      guest_(key.guest),
      addresses_(wire::address_sum(key.remote.ip, key.guest_side.ip)) {
  header_size_ = static_cast<std::uint8_t>(ip_size() + kTcpHeaderSize);
  const MutableBytes packet{ip(), header_size_};
  if (is_v4_) {
    wire::write_ipv4(packet, {.source = key.remote.ip,
                              .destination = key.guest_side.ip,
                              .protocol = wire::IpProtocol::kTcp,
                              .ttl = config.ttl});
    store_be<std::uint16_t>(ip() + kIpv4Length, 0);
    store_be<std::uint16_t>(ip() + kIpv4Checksum, 0);
  } else {
    wire::write_ipv6(packet, {.source = key.remote.ip,
                              .destination = key.guest_side.ip,
                              .next_header = wire::IpProtocol::kTcp,
                              .hop_limit = config.ttl});
  }
  store_be(tcp(), key.remote.port);
  store_be(tcp() + 2, key.guest_side.port);
  tcp()[kDataOffset] = data_offset(kTcpHeaderSize);
}

// Makes the template that of segments of this size that say this and leave at `now`.
void SegmentWriter::prepare(std::size_t payload_size, wire::TcpFlags flags, Instant now) noexcept {
  payload_size_ = payload_size;
  flags_ = flags;
  stamped_at_ = now;
  const std::size_t size = header_size_ + payload_size;
  if (is_v4_) {
    store_be(ip() + kIpv4Length, static_cast<std::uint16_t>(size));
    ip_sum_ = wire::PartialSum::of({ip(), wire::kIpv4HeaderSize});
  } else {
    store_be(ip() + kIpv6PayloadLength, static_cast<std::uint16_t>(size - wire::kIpv6HeaderSize));
  }
  tcp()[kFlags] = flags.bits;
  if (uses_timestamps()) store_be(tcp() + kTimestampValue, timestamp(now));
  tcp_sum_ = wire::pseudo_header_sum(addresses_, wire::IpProtocol::kTcp, tcp_size_ + payload_size) +
             wire::PartialSum::of({tcp(), tcp_size_});
}

void SegmentWriter::use_timestamps() noexcept {
  if (uses_timestamps()) return;
  std::memmove(ip() - kTcpTimestampsSize, ip(), header_size_);
  header_size_ = static_cast<std::uint8_t>(header_size_ + kTcpTimestampsSize);
  tcp_size_ = static_cast<std::uint8_t>(tcp_size_ + kTcpTimestampsSize);
  tcp()[kDataOffset] = data_offset(kTcpHeaderSize + kTcpTimestampsSize);
  constexpr std::uint8_t kOption[] = {1, 1, 8, 10};
  std::copy(std::begin(kOption), std::end(kOption), tcp() + kTcpHeaderSize);
  std::fill_n(tcp() + kTimestampValue, 8, std::uint8_t{0});
  template_changed();
}

std::uint32_t SegmentWriter::timestamp(Instant now) const noexcept {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return static_cast<std::uint32_t>(millis) + timestamp_offset_;
}

void SegmentWriter::acknowledge(SeqNumber next, std::uint16_t window) noexcept {
  store_be(tcp() + kAcknowledgement, next.value());
  store_be(tcp() + kWindow, window);
  template_changed();
}

void SegmentWriter::echo(std::uint32_t timestamp) noexcept {
  store_be(tcp() + kTimestampEcho, timestamp);
  template_changed();
}

void SegmentWriter::set_tos(std::uint8_t tos) noexcept {
  if (is_v4_) {
    ip()[1] = tos;
  } else {
    ip()[0] = static_cast<std::uint8_t>(0x60 | tos >> 4);
    ip()[1] = static_cast<std::uint8_t>((ip()[1] & 0x0f) | tos << 4);
  }
  template_changed();
}

// Identification and the header checksum of IPv4, over what the template gave.
void SegmentWriter::write_ip(std::uint8_t* packet) noexcept {
  const std::uint16_t identification = ++identification_;
  store_be(packet + kIpv4Identification, identification);
  store_be(packet + kIpv4Checksum, (ip_sum_ + wire::PartialSum::of_word(identification)).checksum());
}

// The IP header of a packet whose TCP header is not the template's.
void SegmentWriter::write_ip_alone(MutableBytes packet) noexcept {
  std::memcpy(packet.data(), ip(), ip_size());
  if (is_v4_) {
    store_be(packet.data() + kIpv4Length, static_cast<std::uint16_t>(packet.size()));
    store_be(packet.data() + kIpv4Identification, ++identification_);
    store_be(packet.data() + kIpv4Checksum,
             wire::PartialSum::of(Bytes{packet}.first(wire::kIpv4HeaderSize)).checksum());
  } else {
    store_be(packet.data() + kIpv6PayloadLength,
             static_cast<std::uint16_t>(packet.size() - wire::kIpv6HeaderSize));
  }
}

void SegmentWriter::write_headers(MutableBytes payload, SeqNumber sequence, wire::TcpFlags flags,
                                  Instant now) noexcept {
  if (payload.size() != payload_size_ || flags != flags_ || now != stamped_at_) [[unlikely]]
    prepare(payload.size(), flags, now);
  std::memcpy(payload.data() - kMaxHeader, template_.data(), kMaxHeader);
  if (is_v4_) write_ip(payload.data() - header_size_);
  std::uint8_t* const segment = payload.data() - tcp_size_;
  store_be(segment + kSequence, sequence.value());
  // The payload begins at an even offset: headers are multiples of four.
  const wire::PartialSum sum =
      tcp_sum_ + wire::PartialSum::of_words<1>(segment + kSequence) + wire::PartialSum::of(payload);
  store_be(segment + kChecksum, sum.checksum());
}

void SegmentWriter::write(const PacketBuffer& payload, SeqNumber sequence, wire::TcpFlags flags, Instant now,
                          PacketBatch& out) noexcept {
  static_assert(kMaxHeader <= kHeadroom);
  assert(payload.headroom() >= kMaxHeader);
  write_headers(payload.bytes(), sequence, flags, now);
  out.push(guest_, {payload.data() - header_size_, header_size_ + payload.size()});
}

void SegmentWriter::write_small(SeqNumber sequence, wire::TcpFlags flags, Bytes payload, Instant now,
                                PacketBatch& out) {
  const MutableBytes room = out.allocate(kMaxHeader + payload.size());
  std::copy(payload.begin(), payload.end(), room.begin() + kMaxHeader);
  write_headers(room.subspan(kMaxHeader), sequence, flags, now);
  out.push(guest_, room.subspan(kMaxHeader - header_size_));
}

void SegmentWriter::write_acknowledgement(SeqNumber sequence, std::span<const SeqRange> sack, Instant now,
                                          PacketBatch& out) {
  if (sack.empty()) {
    write_small(sequence, wire::kTcpAck, {}, now, out);
    return;
  }
  wire::TcpOptions options;
  if (uses_timestamps()) {
    options.timestamps = wire::Timestamps{timestamp(now), load_be<std::uint32_t>(tcp() + kTimestampEcho)};
  }
  const std::size_t count = std::min<std::size_t>(sack.size(), wire::max_sack_blocks(uses_timestamps()));
  for (const SeqRange& range : sack.first(count)) {
    options.sack[options.sack_count++] = {range.begin.value(), range.end.value()};
  }
  write_with_options(sequence, wire::kTcpAck, load_be<std::uint16_t>(tcp() + kWindow), options, out);
}

void SegmentWriter::write_syn(SeqNumber sequence, const wire::TcpOptions& options, wire::TcpFlags flags,
                              std::uint16_t window, PacketBatch& out) {
  write_with_options(sequence, flags, window, options, out);
}

void SegmentWriter::write_reset(SeqNumber sequence, wire::TcpFlags flags, PacketBatch& out) {
  write_with_options(sequence, flags | wire::kTcpRst, /*window=*/0, {}, out);
}

void SegmentWriter::write_with_options(SeqNumber sequence, wire::TcpFlags flags, std::uint16_t window,
                                       const wire::TcpOptions& options, PacketBatch& out) {
  const wire::TcpHeader header{
      .source_port = load_be<std::uint16_t>(tcp()),
      .destination_port = load_be<std::uint16_t>(tcp() + 2),
      .sequence = sequence.value(),
      .acknowledgement = flags.ack() ? load_be<std::uint32_t>(tcp() + kAcknowledgement) : 0,
      .flags = flags,
      .window = window,
      .options = options,
  };
  const MutableBytes packet = out.allocate(ip_size() + header.size());
  write_ip_alone(packet);
  wire::write_tcp(packet.subspan(ip_size()), header, addresses_, wire::PartialSum{});
  out.push(guest_, packet);
}

}  // namespace wgr::slirp::tcp
