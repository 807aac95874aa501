#include "slirp/segment_run.h"

#include <array>
#include <optional>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"

namespace wgr::slirp {
namespace {

using wire::kIpv4HeaderSize;
using wire::kIpv6HeaderSize;
using wire::kTcpHeaderSize;
using wire::kTcpTimestampsSize;

constexpr std::size_t kMostHeader = kIpv6HeaderSize + kTcpHeaderSize + kTcpTimestampsSize;
constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::uint32_t kAlignedTimestamps = 0x0101080a;  // RFC 7323 A

// Offsets in the TCP header.
constexpr std::size_t kSequence = 4;
constexpr std::size_t kFlags = 13;
constexpr std::size_t kSums = 16;  // and the urgent pointer, of no meaning without its flag

// Ones where a follower has what the first has.
using Mask = std::array<std::uint8_t, kMostHeader>;

constexpr Mask mask_of(std::size_t ip_size) {
  Mask mask{};
  for (std::uint8_t& byte : mask) byte = 0xff;
  const auto clear = [&mask](std::size_t from, std::size_t size) {
    for (std::size_t i = from; i < from + size; ++i) mask[i] = 0;
  };
  if (ip_size == kIpv4HeaderSize) {
    clear(2, 4);  // total length, identification
    clear(10, 2);
  } else {
    clear(4, 2);  // payload length
  }
  clear(ip_size + kSequence, 4);
  mask[ip_size + kFlags] = static_cast<std::uint8_t>(~wire::kTcpPsh.bits);
  clear(ip_size + kSums, 4);
  return mask;
}

constexpr Mask kMaskV4 = mask_of(kIpv4HeaderSize);
constexpr Mask kMaskV6 = mask_of(kIpv6HeaderSize);

// Where the headers of a run end; what the length field leaves of a packet must not be longer than it is.
struct Shape {
  std::size_t ip_size;
  std::size_t header_size;
  const Mask& mask;

  std::size_t payload_size(Bytes packet) const noexcept {
    const std::size_t length = ip_size == kIpv4HeaderSize
                                   ? load_be<std::uint16_t>(packet.data() + 2)
                                   : kIpv6HeaderSize + std::size_t{load_be<std::uint16_t>(packet.data() + 4)};
    return length > header_size && length <= packet.size() ? length - header_size : 0;
  }
  std::uint32_t sequence(Bytes packet) const noexcept {
    return load_be<std::uint32_t>(packet.data() + ip_size + kSequence);
  }
};

std::optional<Shape> shape_of(Bytes packet) noexcept {
  if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize) return std::nullopt;
  const bool is_v4 = packet[0] == 0x45;
  const std::size_t ip_size = is_v4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  if (!is_v4 && packet[0] >> 4 != 6) return std::nullopt;
  if (packet.size() < ip_size + kTcpHeaderSize + kTcpTimestampsSize) return std::nullopt;
  constexpr auto kTcp = static_cast<std::uint8_t>(wire::IpProtocol::kTcp);
  if (packet[is_v4 ? 9 : 6] != kTcp) return std::nullopt;
  const bool is_fragment = is_v4 && (load_be<std::uint16_t>(packet.data() + 6) & 0x3fff) != 0;
  if (is_fragment) return std::nullopt;

  const std::uint8_t* const tcp = packet.data() + ip_size;
  std::size_t header_size = ip_size + kTcpHeaderSize;
  if ((tcp[kFlags] & ~wire::kTcpPsh.bits) != wire::kTcpAck.bits) return std::nullopt;
  if (tcp[12] == (kTcpHeaderSize + kTcpTimestampsSize) / 4 << 4) {
    if (load_be<std::uint32_t>(tcp + kTcpHeaderSize) != kAlignedTimestamps) return std::nullopt;
    header_size += kTcpTimestampsSize;
  } else if (tcp[12] != kTcpHeaderSize / 4 << 4) {
    return std::nullopt;
  }
  return Shape{ip_size, header_size, is_v4 ? kMaskV4 : kMaskV6};
}

// REQUIRES: both have shape.header_size bytes.
bool is_alike(const Shape& shape, const std::uint8_t* a, const std::uint8_t* b) noexcept {
  const std::uint8_t* const mask = shape.mask.data();
  const auto difference = [&](std::size_t at) {
    return (load_le<std::uint64_t>(a + at) ^ load_le<std::uint64_t>(b + at)) &
           load_le<std::uint64_t>(mask + at);
  };
  std::uint64_t found = difference(shape.header_size - kWord);
  for (std::size_t at = 0; at + kWord < shape.header_size; at += kWord) found |= difference(at);
  return found == 0;
}

}  // namespace

std::span<const MutableBytes> SegmentRun::find(std::span<const PacketView> packets) {
  payloads_.clear();
  const PacketView& first = packets.front();
  if (packets.size() == 1) return {};
  const std::optional<Shape> shape = shape_of(first.bytes);
  if (!shape) return {};
  std::size_t size = shape->payload_size(first.bytes);
  std::uint32_t next = shape->sequence(first.bytes) + static_cast<std::uint32_t>(size);
  for (const PacketView& packet : packets.subspan(1)) {
    if (size == 0 || packet.guest != first.guest || packet.bytes.size() <= shape->header_size) break;
    if (!is_alike(*shape, packet.bytes.data(), first.bytes.data()) || shape->sequence(packet.bytes) != next)
      break;
    const bool is_v4 = shape->ip_size == kIpv4HeaderSize;
    if (is_v4 && !wire::PartialSum::of_words<kIpv4HeaderSize / 4>(packet.bytes.data()).is_valid()) break;
    size = shape->payload_size(packet.bytes);
    if (size == 0) break;
    payloads_.push_back({packet.bytes.data() + shape->header_size, size});
    next += static_cast<std::uint32_t>(size);
  }
  return payloads_;
}

}  // namespace wgr::slirp
