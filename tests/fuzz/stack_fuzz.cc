// The stack on any packets, with simulated host sockets and a clock that moves as the input says.
//
//   byte: what to do
//     0..3    a packet of the next length bytes as it is
//     4..7    a packet whose IPv4 or IPv6 header and ports are made right, the upper header and payload as
//     given 8       time moves 9       servers speak: data, FIN or RST 10      what a guest hears last is
//     bounced back as an ICMP error 11      the guest is removed
//
// Held to: no crash; everything emitted parses; flows and sockets are bounded and end when time passes.
#include <algorithm>
#include <cstdlib>

#include "tests/support/stack_world.h"

namespace wgr {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

// Bytes as far as there are any; zero after that.
class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  bool is_empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  Bytes take(std::size_t size) {
    const Bytes taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes bytes_;
};

class Fuzzer {
 public:
  Fuzzer() : world_(config()) {
    for (const SocketAddress& address : {server(Family::kV4), server(Family::kV6)}) {
      auto& tcp = world_.internet.listen(address);
      tcp.send_buffer = 3000;
      auto& udp = world_.internet.bind_udp(address);
      udp.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
        self.send(datagram.from, datagram.payload);
      };
      world_.internet.host(address.ip).answers_ping = true;
    }
    world_.sockets.descriptor_limit = 64;
    world_.sockets.max_bytes_per_call = 1000;
  }

  void run(Input& input) {
    for (int steps = 0; !input.is_empty() && steps < 200; ++steps) {
      step(input);
      check();
    }
    world_.advance(std::chrono::hours{3});
    require(world_.stack().active_flows() == 0);
    require(world_.sockets.open_sockets == 0);
  }

 private:
  static slirp::Config config() {
    slirp::Config config = sim::StackWorld::default_config();
    config.dns.upstreams = {server(Family::kV4)};
    config.limits.tcp_flows_per_guest = 16;
    config.limits.udp_flows_per_guest = 16;
    config.limits.icmp_flows_per_guest = 4;
    config.limits.tcp_memory = 1024 * 1024;
    config.limits.tcp_memory_per_guest = 512 * 1024;
    return config;
  }
  static SocketAddress server(Family family) {
    return {family == Family::kV4 ? IpAddress::v4(93, 184, 216, 34) : *IpAddress::parse("2606:2800::1"), 53};
  }

  void step(Input& input) {
    const std::uint8_t action = input.byte() % 12;
    if (action < 4) {
      const std::size_t size = std::size_t{input.byte()} * 8;
      const Bytes bytes = input.take(size);
      world_.send(sim::Packet(bytes.begin(), bytes.end()));
    } else if (action < 8) {
      send_upper(action % 2 == 0 ? Family::kV4 : Family::kV6, input);
    } else if (action == 8) {
      world_.advance(std::chrono::milliseconds{1} * (1 << (input.byte() % 24)));
    } else if (action == 9) {
      speak(input);
    } else if (action == 10) {
      bounce(input);
    } else {
      world_.stack().remove_guest(sim::kGuest);
    }
  }

  void send_upper(Family family, Input& input) {
    constexpr wire::IpProtocol kProtocols[] = {wire::IpProtocol::kTcp, wire::IpProtocol::kUdp,
                                               wire::IpProtocol::kIcmp, wire::IpProtocol::kIcmpV6};
    const std::uint8_t choice = input.byte();
    const wire::IpProtocol protocol = kProtocols[choice & 3];
    const Bytes taken = input.take(std::size_t{input.byte()} * 6);
    sim::Packet upper(taken.begin(), taken.end());
    const bool is_own = (choice & 4) != 0;
    const IpAddress own = family == Family::kV4 ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1");
    const IpAddress from = family == Family::kV4 ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2");
    const IpAddress to = is_own ? own : server(family).ip;
    if (upper.size() >= 20 && choice & 8) {
      store_be<std::uint16_t>(upper.data(), static_cast<std::uint16_t>(1000 + (choice >> 6)));
      store_be<std::uint16_t>(upper.data() + 2, 53);
      if (protocol == wire::IpProtocol::kTcp) follow(upper, choice);
      if (protocol == wire::IpProtocol::kUdp) {
        store_be<std::uint16_t>(upper.data() + 4, static_cast<std::uint16_t>(upper.size()));
        upper[6] |= 1;
      }
    }
    world_.send(sim::ip_packet(from, to, protocol, upper, {.ttl = static_cast<std::uint8_t>(choice >> 4)}));
    remember();
  }

  // Makes a segment likely to be in order: numbers relative to what the stack said last.
  void follow(sim::Packet& upper, std::uint8_t choice) {
    upper[12] = 0x50;
    if ((choice & 16) == 0) {
      upper[13] = 0x02;
      store_be<std::uint32_t>(upper.data() + 4, 1000);
    } else {
      upper[13] = static_cast<std::uint8_t>((upper[13] & 0x3f) | 0x10);
      store_be<std::uint32_t>(upper.data() + 4, expected_ + (upper[4] & 7));
      store_be<std::uint32_t>(upper.data() + 8, sent_ + (upper[8] & 3));
    }
  }

  void remember() {
    for (sim::GuestPacket& packet : world_.take()) {
      heard_ = packet.bytes;
      const auto ip = wire::IpView::parse(packet.bytes);
      require(static_cast<bool>(ip));
      if (ip->protocol != wire::IpProtocol::kTcp || ip->is_fragment) continue;
      const auto segment = wire::TcpView::parse(ip->payload);
      require(static_cast<bool>(segment));
      require(segment->checksum_is_valid(ip->source, ip->destination));
      expected_ = segment->acknowledgement();
      sent_ = segment->sequence() + static_cast<std::uint32_t>(segment->payload().size()) +
              (segment->flags().syn() || segment->flags().fin() ? 1 : 0);
    }
  }

  void speak(Input& input) {
    auto& tcp = world_.internet.listen(server(Family::kV4));
    if (tcp.streams.empty()) return;
    sim::RemoteStream& stream = tcp.last();
    switch (input.byte() % 5) {
      case 0:
        if (!has_finished_) stream.send(input.take(200));
        break;
      case 1:
        has_finished_ = true;
        stream.finish();
        break;
      case 2:
        stream.reset();
        break;
      case 3:
        stream.pause_reading();
        break;
      default:
        stream.resume_reading();
        break;
    }
    world_.settle();
    remember();
  }

  void bounce(Input& input) {
    const auto ip = wire::IpView::parse(heard_);
    if (!ip) return;
    const std::size_t size = std::min<std::size_t>(heard_.size(), 28 + input.byte());
    const std::uint8_t type = input.byte();
    world_.send(sim::icmp_error_packet(ip->destination, ip->source, type, input.byte(), input.byte() * 8u,
                                       Bytes{heard_}.first(size)));
    remember();
  }

  void check() {
    remember();
    require(world_.stack().active_flows() <= 16 + 16 + 4);
    require(world_.sockets.open_sockets <= 64);
  }

  sim::StackWorld world_;
  sim::Packet heard_;
  std::uint32_t expected_ = 1001;  // what the stack wants next
  std::uint32_t sent_ = 0;         // what it will send next
  bool has_finished_ = false;
};

}  // namespace
}  // namespace wgr

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::Input input{{data, size}};
  wgr::Fuzzer{}.run(input);
  return 0;
}
