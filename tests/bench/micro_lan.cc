// A virtual LAN, per frame of 1514 bytes: from a station, to a station whose ring is large or small, and
// between stations of a switch.
#include <array>
#include <vector>

#include "benchmark/benchmark.h"

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/udp.h"
#include "slirp/lan/segment.h"

namespace wgr::bench {
namespace {

using namespace std::chrono_literals;
using namespace slirp::lan;

constexpr std::size_t kFrame = 1514;
constexpr std::size_t kBatch = 64;
constexpr int kStations = 1000;

const IpAddress kGateway = IpAddress::v4(10, 7, 0, 1);
const MacAddress kGatewayMac = *MacAddress::parse("02:77:67:00:00:01");

IpAddress address_of(int station) { return IpAddress::v4(0x0a070000u + 16 + static_cast<unsigned>(station)); }
MacAddress mac_of(int station) {
  return MacAddress{
      {0x00, 0x22, 0x15, 0, static_cast<std::uint8_t>(station >> 8), static_cast<std::uint8_t>(station)}};
}

std::vector<std::uint8_t> make_packet(const IpAddress& from, const IpAddress& to) {
  std::vector<std::uint8_t> packet(kFrame - wire::kEthernetHeaderSize);
  wire::write_udp(MutableBytes{packet}.subspan(wire::kIpv4HeaderSize), {from, 4000}, {to, 5000});
  wire::Ipv4Header header;
  header.source = from;
  header.destination = to;
  wire::write_ipv4(packet, header);
  return packet;
}

std::vector<std::uint8_t> make_frame(const MacAddress& to, const MacAddress& from, const IpAddress& source,
                                     const IpAddress& destination) {
  const std::vector<std::uint8_t> packet = make_packet(source, destination);
  std::vector<std::uint8_t> frame(wire::kEthernetHeaderSize);
  wire::write_ethernet(frame, to, from, wire::EtherType::kIpv4);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

enum class Nic { kVirtio, kNe2k };

class Lan {
 public:
  Lan(bool isolate, Nic nic) : segment_(make_config(isolate), serials_, rng_, {}, WallTime{1h}, now) {
    for (int i = 0; i < kStations; ++i) {
      segment_.attach(session_of(i), {}, now, out);
      std::vector<std::uint8_t> frame(nic == Nic::kVirtio ? 42 : 60);
      wire::write_ethernet(frame, MacAddress::broadcast(), mac_of(i), wire::EtherType::kArp);
      wire::write_arp(
          MutableBytes{frame}.subspan(wire::kEthernetHeaderSize),
          {.sender_mac = mac_of(i), .sender = address_of(i), .target_mac = {}, .target = kGateway});
      segment_.receive(session_of(i), frame, now, out);
    }
    clear();
  }

  static SessionId session_of(int station) { return SessionId{0, static_cast<std::uint64_t>(station) + 1}; }
  slirp::lan::Segment& segment() { return segment_; }
  void clear() {
    out.packets.clear();
    out.frames.clear();
  }

  Instant now{24h};
  Segment::Out out;

 private:
  static NetworkConfig make_config(bool isolate) {
    NetworkConfig config;
    config.subnet = *Prefix::parse("10.7.0.0/16");
    config.gateway = kGateway;
    config.gateway_mac = kGatewayMac;
    config.mtu = 1500;
    config.isolate = isolate;
    return config;
  }

  GuestSerials serials_{0};
  Rng rng_{1};
  Segment segment_;
};

// Stations in turn, as in a worker's batch.
template <typename Step>
void run(benchmark::State& state, Lan& lan, Step step) {
  int station = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      step(station);
      station = (station + 1) % kStations;
    }
    lan.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBatch));
}

void LanReceive(benchmark::State& state) {
  Lan lan(/*isolate=*/true, Nic::kVirtio);
  std::vector<std::vector<std::uint8_t>> frames;
  for (int i = 0; i < kStations; ++i) {
    frames.push_back(make_frame(kGatewayMac, mac_of(i), address_of(i), IpAddress::v4(198, 51, 100, 7)));
  }
  run(state, lan, [&](int station) {
    lan.segment().receive(Lan::session_of(station), frames[static_cast<std::size_t>(station)], lan.now,
                          lan.out);
  });
}
BENCHMARK(LanReceive);

void LanSend(benchmark::State& state) {
  const bool is_small_ring = state.range(0) != 0;
  Lan lan(/*isolate=*/true, is_small_ring ? Nic::kNe2k : Nic::kVirtio);
  const auto packet = make_packet(IpAddress::v4(198, 51, 100, 7), address_of(0));
  std::vector<GuestId> guests;
  for (int i = 0; i < kStations; ++i) guests.push_back(lan.segment().station_at(address_of(i)));
  run(state, lan, [&](int station) {
    if (is_small_ring) lan.now += 20us;  // one frame for each in 20 ms: none waits
    lan.segment().send(guests[static_cast<std::size_t>(station)], packet, lan.now, lan.out);
  });
}
BENCHMARK(LanSend)->ArgName("small_ring")->Arg(0)->Arg(1);

// More than the ring takes: each frame waits its millisecond.
void LanSendPaced(benchmark::State& state) {
  Lan lan(/*isolate=*/true, Nic::kNe2k);
  const auto packet = make_packet(IpAddress::v4(198, 51, 100, 7), address_of(0));
  std::vector<GuestId> guests;
  for (int i = 0; i < kStations; ++i) guests.push_back(lan.segment().station_at(address_of(i)));
  run(state, lan, [&](int station) {
    lan.now += 1us;
    lan.segment().send(guests[static_cast<std::size_t>(station)], packet, lan.now, lan.out);
    if (lan.segment().next_deadline() <= lan.now) lan.segment().on_deadline(lan.now, lan.out);
  });
}
BENCHMARK(LanSendPaced);

void LanSwitch(benchmark::State& state) {
  Lan lan(/*isolate=*/false, Nic::kVirtio);
  std::vector<std::vector<std::uint8_t>> frames;
  for (int i = 0; i < kStations; ++i) {
    const int to = (i + 7) % kStations;
    frames.push_back(make_frame(mac_of(to), mac_of(i), address_of(i), address_of(to)));
  }
  run(state, lan, [&](int station) {
    lan.segment().receive(Lan::session_of(station), frames[static_cast<std::size_t>(station)], lan.now,
                          lan.out);
  });
}
BENCHMARK(LanSwitch);

}  // namespace
}  // namespace wgr::bench
