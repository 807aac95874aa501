// A virtual LAN with a few sessions: frames, packets for stations, sessions that come and go, time.
//
// Input: one byte of settings (1: a switch, 2: no DHCP, 4: no IPv6, 8: a small NIC's bounds are tight), then
// steps:
//   | what and session | selectors | length of the rest (2) | the rest |
// A frame's header comes from the selectors, or all of it from the rest; sums are made right where the step
// says so, since nothing passes a wrong one.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <vector>

#include "core/wire/checksum.h"
#include "core/wire/ethernet.h"
#include "core/wire/ip.h"
#include "slirp/lan/segment.h"

namespace wgr::slirp::lan {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSessions = 4;
constexpr std::size_t kStepHead = 4;
constexpr std::size_t kMaxSteps = 200;

void require(bool claim) {
  if (!claim) std::abort();
}

NetworkConfig make_config(std::uint8_t flags) {
  NetworkConfig config;
  config.subnet = *Prefix::parse("192.168.86.0/28");
  config.gateway = IpAddress::v4(192, 168, 86, 1);
  config.gateway_mac = *MacAddress::parse("02:77:67:00:00:01");
  config.isolate = (flags & 1) == 0;
  config.dhcp.enabled = (flags & 2) == 0;
  if ((flags & 4) == 0) config.ipv6.prefix = Prefix::parse("fd00::/64");
  if ((flags & 8) != 0) config.pace.queue_frames = 2;
  config.max_stations = 3;
  config.detached_time = 60s;
  return config;
}

class Lan {
 public:
  explicit Lan(std::uint8_t flags)
      : config_(make_config(flags)), segment_(config_, serials_, rng_, {}, WallTime{1h}, now_) {}

  void step(std::uint8_t what, std::uint8_t selectors, Bytes rest) {
    out_.packets.clear();
    out_.frames.clear();
    out_.closings.clear();
    out_.gone.clear();
    const std::size_t index = what >> 6;
    switch (what & 7) {
      case 0:
        return attach(index);
      case 1:
        return detach(index);
      case 2:
        return wait(selectors);
      case 3:
        return send(selectors, rest);
      default:
        return receive(index, what, selectors, rest);
    }
  }

  void check() {
    for (const Segment::Closing& closing : out_.closings) {
      for (SessionId& session : sessions_) {
        if (session == closing.session) session = {};
      }
    }
    const auto stations = segment_.stations();
    require(stations.size() <= config_.max_stations);
    require(segment_.counters().stations.value() == static_cast<std::int64_t>(stations.size()));
    std::set<SessionId> used;
    for (const auto& station : stations) {
      require(!station.session || std::ranges::count(sessions_, station.session) == 1);
      require(!station.session || used.insert(station.session).second);
      require(station.addresses.size() <= 64);
      require(station.mac.is_unicast() && station.mac != config_.gateway_mac);
    }
    require(segment_.counters().stations_attached.value() == static_cast<std::int64_t>(used.size()));
    for (const GuestId guest : out_.gone) {
      require(!segment_.address_of(guest));
      require(std::ranges::find(stations, guest, &Segment::StationStatus::guest) == stations.end());
    }
    for (const FrameView& frame : out_.frames.frames()) check_frame(frame);
  }

 private:
  void check_frame(const FrameView& frame) {
    require(frame.bytes.size() >= wire::kEthernetHeaderSize && frame.bytes.size() <= config_.max_frame);
    const bool is_closed =
        std::ranges::find(out_.closings, frame.to, &Segment::Closing::session) != out_.closings.end();
    require(is_closed || std::ranges::count(sessions_, frame.to) == 1);
    const MacAddress source = MacAddress::read(frame.bytes.subspan(MacAddress::kSize));
    if (source == config_.gateway_mac) return;
    require(!config_.isolate);
    for (const auto& station : segment_.stations()) {
      require(station.mac != source || station.session != frame.to);
    }
  }

  void attach(std::size_t index) {
    if (sessions_[index]) return;
    sessions_[index] = SessionId{0, ++serial_};
    // Clients from two places, some of them with a token.
    const auto place = static_cast<std::uint8_t>(serial_ & 1);
    segment_.attach(sessions_[index], {IpAddress::v4(203, 0, 113, place), serial_ % 3 == 0 ? "token" : ""},
                    now_, out_);
  }
  void detach(std::size_t index) {
    segment_.detach(sessions_[index], now_, out_);
    sessions_[index] = {};
  }
  void wait(std::uint8_t amount) {
    now_ += amount < 128 ? Duration{100us} * amount : Duration{1s} * (amount - 127);
    for (int i = 0; segment_.next_deadline() <= now_; ++i) {
      require(i < 1000);
      segment_.on_deadline(now_, out_);
    }
  }

  void send(std::uint8_t selectors, Bytes rest) {
    const auto stations = segment_.stations();
    const GuestId guest = stations.empty() ? GuestId{0, 1} : stations[selectors % stations.size()].guest;
    for (int i = 0; i <= selectors >> 4; ++i) segment_.send(guest, rest, now_, out_);
  }

  MacAddress mac(unsigned selector) const {
    switch (selector & 7) {
      case 0:
        return config_.gateway_mac;
      case 1:
        return MacAddress::broadcast();
      case 2:
        return *MacAddress::parse("33:33:00:00:00:01");
      case 3:
        return MacAddress{};
      default:
        return MacAddress{{0x00, 0x22, 0x15, 0, 0, static_cast<std::uint8_t>(selector & 3)}};
    }
  }

  void receive(std::size_t index, std::uint8_t what, std::uint8_t selectors, Bytes rest) {
    std::vector<std::uint8_t> frame(rest.begin(), rest.end());
    if ((what & 7) != 4) {
      constexpr std::array kTypes{wire::EtherType::kIpv4, wire::EtherType::kIpv6, wire::EtherType::kArp,
                                  wire::EtherType::kVlan};
      frame.insert(frame.begin(), wire::kEthernetHeaderSize, 0);
      wire::write_ethernet(frame, mac(selectors), mac(4u + (selectors >> 3 & 3u)), kTypes[selectors >> 6]);
    }
    if ((what & 8) != 0) make_sums_right(frame);
    segment_.receive(sessions_[index], frame, now_, out_);
    for (const PacketView& packet : out_.packets) {
      require(packet.bytes.data() >= frame.data() + wire::kEthernetHeaderSize);
      require(packet.bytes.data() + packet.bytes.size() <= frame.data() + frame.size());
      const auto ends = wire::IpEnds::parse(packet.bytes);
      require(ends.has_value());
      check_source(packet.guest, ends->source);
    }
  }

  // Its own, or that of the machine whose image it was made from.
  void check_source(GuestId guest, const IpAddress& source) {
    const GuestId owner = segment_.station_at(source);
    if (owner == guest) return;
    require(config_.isolate && owner);
    const auto stations = segment_.stations();
    const auto of = [&](GuestId id) {
      return std::ranges::find(stations, id, &Segment::StationStatus::guest);
    };
    require(of(owner)->mac == of(guest)->mac);
  }

  static void make_sums_right(MutableBytes frame) {
    if (frame.size() < wire::kEthernetHeaderSize) return;
    const auto ip = wire::IpView::parse(frame.subspan(wire::kEthernetHeaderSize));
    if (!ip || ip->is_fragment) return;
    if (ip->family == Family::kV4) {
      const MutableBytes header = ip->packet.first(ip->packet.size() - ip->payload.size());
      store_be(&header[10], std::uint16_t{0});
      store_be(&header[10], wire::PartialSum::of(header).checksum());
    }
    const bool is_icmp = ip->protocol == wire::IpProtocol::kIcmpV6;
    if (!is_icmp && ip->protocol != wire::IpProtocol::kUdp) return;
    const std::size_t at = is_icmp ? 2 : 6;
    if (ip->payload.size() < 8) return;
    store_be(&ip->payload[at], std::uint16_t{0});
    const auto sum = wire::pseudo_header_sum(ip->source, ip->destination, ip->protocol, ip->payload.size());
    store_be(&ip->payload[at], (sum + wire::PartialSum::of(ip->payload)).checksum());
  }

  const NetworkConfig config_;
  GuestSerials serials_{0};
  Rng rng_{1};
  Instant now_{24h};
  Segment segment_;
  Segment::Out out_;
  std::uint64_t serial_ = 0;
  std::array<SessionId, kSessions> sessions_{};
};

void fuzz_segment(Bytes input) {
  Lan lan(input[0]);
  std::size_t at = 1;
  for (std::size_t count = 0; count < kMaxSteps && at + kStepHead <= input.size(); ++count) {
    const std::size_t told = load_be<std::uint16_t>(input.data() + at + 2);
    const std::size_t size = std::min(told, input.size() - at - kStepHead);
    lan.step(input[at], input[at + 1], input.subspan(at + kStepHead, size));
    lan.check();
    at += kStepHead + size;
  }
}

}  // namespace
}  // namespace wgr::slirp::lan

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) wgr::slirp::lan::fuzz_segment({data, size});
  return 0;
}
