#include "slirp/fragment.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/wire/ip.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t round_down_to_8(std::size_t size) { return size / 8 * 8; }

}  // namespace

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
