#include "slirp/fragment.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "core/wire/checksum.h"
#include "core/wire/ip.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t round_down_to_8(std::size_t size) { return size / 8 * 8; }

constexpr std::uint8_t kEndOfOptions = 0;
constexpr std::uint8_t kNoOperation = 1;
constexpr std::uint8_t kCopiedOption = 0x80;  // of the option type
constexpr std::uint16_t kMoreFragments = 0x2000;

// The header of every fragment but the first: fixed part, and the options with the copied flag.
std::size_t write_later_header(Bytes header, std::uint8_t* into) {
  std::memcpy(into, header.data(), wire::kIpv4HeaderSize);
  std::size_t size = wire::kIpv4HeaderSize;
  for (std::size_t at = wire::kIpv4HeaderSize; at < header.size();) {
    const std::uint8_t type = header[at];
    if (type == kEndOfOptions) break;
    if (type == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= header.size()) break;
    const std::size_t length = header[at + 1];
    if (length < 2 || at + length > header.size()) break;
    if ((type & kCopiedOption) != 0) {
      std::memcpy(into + size, header.data() + at, length);
      size += length;
    }
    at += length;
  }
  while (size % 4 != 0) into[size++] = kEndOfOptions;
  into[0] = static_cast<std::uint8_t>(0x40 | size / 4);
  return size;
}

void finish_header(MutableBytes packet, std::size_t header_size, std::size_t offset, bool more) {
  store_be(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
  store_be(packet.data() + 6, static_cast<std::uint16_t>(offset / 8 | (more ? kMoreFragments : 0)));
  store_be<std::uint16_t>(packet.data() + 10, 0);
  store_be(packet.data() + 10, wire::PartialSum::of(packet.first(header_size)).checksum());
}

}  // namespace

void cut_ipv4(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out) {
  const Result<wire::Ipv4View> whole = wire::Ipv4View::parse(packet);
  assert(whole && !whole->dont_fragment() && mtu >= wire::kIpv4MinMtu);
  if (whole->total_length() <= mtu) return out.push(to, whole->packet());
  std::array<std::uint8_t, wire::kIpv4MaxHeaderSize> header;
  std::size_t header_size = whole->header_length();
  std::memcpy(header.data(), whole->header().data(), header_size);
  const Bytes payload = whole->payload();
  for (std::size_t offset = 0; offset < payload.size();) {
    const std::size_t step = round_down_to_8(mtu - header_size);
    const Bytes piece = payload.subspan(offset, std::min(step, payload.size() - offset));
    const MutableBytes bytes = out.allocate(header_size + piece.size());
    std::memcpy(bytes.data(), header.data(), header_size);
    std::memcpy(bytes.data() + header_size, piece.data(), piece.size());
    const bool more = offset + piece.size() < payload.size() || whole->more_fragments();
    finish_header(bytes, header_size, whole->fragment_offset() + offset, more);
    out.push(to, bytes);
    if (offset == 0) header_size = write_later_header(whole->header(), header.data());
    offset += piece.size();
  }
}

void Fragmenter::push(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out) {
  if (packet.size() <= mtu) {
    out.push(to, packet);
  } else if (wire::ip_version(packet) == Family::kV4) {
    split_v4(to, packet, mtu, out);
  } else {
    split_v6(to, packet, mtu, out);
  }
}

void Fragmenter::split_v4(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out) {
  const Result<wire::Ipv4View> whole = wire::Ipv4View::parse(packet);
  assert(whole && whole->header_length() == wire::kIpv4HeaderSize && mtu >= wire::kIpv4MinMtu);
  const Bytes payload = whole->payload();
  const std::size_t step = round_down_to_8(mtu - wire::kIpv4HeaderSize);
  wire::Ipv4Header header;
  header.source = whole->source();
  header.destination = whole->destination();
  header.protocol = whole->protocol();
  header.ttl = whole->ttl();
  header.tos = whole->tos();
  header.identification = static_cast<std::uint16_t>(next_identification_++);
  header.dont_fragment = false;
  for (std::size_t offset = 0; offset < payload.size(); offset += step) {
    const Bytes piece = payload.subspan(offset, std::min(step, payload.size() - offset));
    const MutableBytes bytes = out.allocate(wire::kIpv4HeaderSize + piece.size());
    header.fragment_offset = offset;
    header.more_fragments = offset + piece.size() < payload.size();
    wire::write_ipv4(bytes, header);
    std::memcpy(bytes.data() + wire::kIpv4HeaderSize, piece.data(), piece.size());
    out.push(to, bytes);
  }
}

void Fragmenter::split_v6(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out) {
  constexpr std::size_t kHeaders = wire::kIpv6HeaderSize + wire::kIpv6FragmentHeaderSize;
  const Result<wire::Ipv6View, wire::Ipv6Refusal> whole = wire::Ipv6View::parse(packet);
  assert(whole && whole->header_length() == wire::kIpv6HeaderSize && mtu >= kHeaders + 8);
  const Bytes payload = whole->payload();
  const std::size_t step = round_down_to_8(mtu - kHeaders);
  wire::Ipv6Header header;
  header.source = whole->source();
  header.destination = whole->destination();
  header.next_header = wire::IpProtocol::kFragment;
  header.hop_limit = whole->hop_limit();
  header.traffic_class = whole->traffic_class();
  header.flow_label = whole->flow_label();
  wire::Ipv6Fragment fragment;
  fragment.next_header = whole->protocol();
  fragment.identification = next_identification_++;
  for (std::size_t offset = 0; offset < payload.size(); offset += step) {
    const Bytes piece = payload.subspan(offset, std::min(step, payload.size() - offset));
    const MutableBytes bytes = out.allocate(kHeaders + piece.size());
    fragment.offset = offset;
    fragment.more_fragments = offset + piece.size() < payload.size();
    wire::write_ipv6(bytes, header);
    wire::write_ipv6_fragment(bytes.data() + wire::kIpv6HeaderSize, fragment);
    std::memcpy(bytes.data() + kHeaders, piece.data(), piece.size());
    out.push(to, bytes);
  }
}

}  // namespace wgr::slirp
