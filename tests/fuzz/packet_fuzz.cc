// Any bytes as an inner packet: the views, the input checks, and errors about it. What a view shows must
// lie within the packet, and what IpInput lets pass must be consistent.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/wire/icmp.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "slirp/icmp_error.h"
#include "slirp/ip_input.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;

void require(bool claim) {
  if (!claim) std::abort();
}

// `inner` lies in `outer`. Reading its ends lets AddressSanitizer object.
void require_within(Bytes inner, Bytes outer) {
  require(inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
  if (!inner.empty()) require(inner.front() + inner.back() >= 0);
}

void use_upper(const wire::IpView& ip) {
  if (const auto segment = wire::TcpView::parse(ip.payload)) {
    require_within(segment->payload(), ip.payload);
    const wire::TcpOptions options = segment->options();
    require(options.sack_count <= 4);
    require(options.window_scale.value_or(0) <= wire::kTcpMaxWindowScale);
    require(segment->header_length() + segment->payload().size() == ip.payload.size());
  }
  if (const auto datagram = wire::UdpView::parse(ip.payload)) {
    require_within(datagram->datagram(), ip.payload);
    require(datagram->payload().size() + wire::kUdpHeaderSize == datagram->datagram().size());
  }
  if (const auto message = wire::IcmpView::parse(ip.family, ip.payload)) {
    require_within(message->quoted(), ip.payload);
    require(!(message->is_error() && (message->is_echo_request() || message->is_echo_reply())));
    if (const auto quoted = wire::QuotedPacket::parse(ip.family, message->quoted())) {
      require(quoted->upper.size() >= 8);
      require_within(quoted->upper, message->quoted());
    }
  }
  static_cast<void>(transport_checksum_is_valid(ip));
}

void require_good_error(const PacketView& error, const wire::IpView& about, const Config& config) {
  const auto ip = wire::IpView::parse(error.bytes);
  require(ip.has_value());
  require(ip->packet.size() <= config.mtu && ip->destination == about.source && ip->family == about.family);
  const auto message = wire::IcmpView::parse(ip->family, ip->payload);
  require(message && message->is_error() && message->checksum_is_valid(ip->source, ip->destination));
  require(std::equal(message->payload().begin(), message->payload().end(), about.packet.begin()));
  require(about.is_first_fragment && !about.source.is_multicast() && !about.source.is_unspecified());
}

void fuzz_packet(MutableBytes packet) {
  Config config;
  config.own_addresses = {IpAddress::v4(10, 0, 0, 1), *IpAddress::parse("fd00::1")};
  const IpInput input{config};
  IcmpErrors errors{config};
  PacketBatch out;

  const auto ends = wire::IpEnds::parse(packet);
  const auto parsed = wire::IpView::parse(packet);
  if (parsed) {
    require(ends && ends->source == parsed->source && ends->destination == parsed->destination);
    require_within(parsed->packet, packet);
    require_within(parsed->payload, parsed->packet);
    if (parsed->is_fragment) require_within(parsed->fragment.data, parsed->packet);
    use_upper(*parsed);
    if (errors.send({GuestId{0, 1}, packet}, IcmpError::ttl_exceeded(parsed->family), Instant{1h}, out) ==
        IcmpErrorOutcome::kSent) {
      require_good_error(out.packets().back(), *parsed, config);
    }
  }
  const auto checked = input.check(packet, TransportChecksums::kVerified);
  if (checked) {
    require(parsed.has_value() && !input.is_own(checked->source) && !checked->destination.is_multicast());
    require(input.is_own(checked->destination) || checked->ttl > 1);
    require(input.check(packet, TransportChecksums::kTrusted).has_value());
    if (checked->family == Family::kV4 && checked->ttl > 0) {
      const auto view = wire::Ipv4View::parse(packet);
      require(view->checksum_is_valid());
      wire::decrement_hops(packet);
      require(view->checksum_is_valid());
    }
  } else if (checked.error().answer) {
    errors.send({GuestId{0, 1}, packet}, *checked.error().answer, Instant{1h}, out);
  }
  static_cast<void>(wire::QuotedPacket::parse(Family::kV4, packet));
  static_cast<void>(wire::QuotedPacket::parse(Family::kV6, packet));
}

}  // namespace
}  // namespace wgr::slirp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> packet(data, data + size);
  packet.shrink_to_fit();
  wgr::slirp::fuzz_packet(packet);
  return 0;
}
