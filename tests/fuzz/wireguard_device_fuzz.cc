// Two devices and a line that does what the input says: loses, repeats, changes, delays, and lets Alice
// put any bytes into the tunnel. Whatever arrives must be a packet that fits its header and comes from
// Alice's addresses; and once the line is good again, the tunnel must work.
//
// Input: steps of one byte each with their arguments.
#include <cstdlib>
#include <deque>

#include "tests/wireguard/tunnel.h"

namespace wgr::wireguard {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

class Script {
 public:
  explicit Script(Bytes bytes) : rest_(bytes) {}
  bool is_done() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::size_t word() {
    const std::size_t high = byte();
    return high << 8 | byte();
  }
  Bytes take(std::size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

class Line {
 public:
  Line() {
    tunnel_.wire.passes = [this](const OnWire& datagram) {
      if (held_.size() < 64) held_.push_back(datagram);
      return false;
    };
  }

  void step(Script& script) {
    switch (script.byte() % 10) {
      case 0:
        tunnel_.alice_sends(20 + script.word() % 1500);
        break;
      case 1:
        tunnel_.bob_sends(20 + script.word() % 1500);
        break;
      case 2:  // any bytes as a packet
        tunnel_.wire.send(tunnel_.alice, tunnel_.bob_at_alice, script.take(script.byte()));
        break;
      case 3:
        deliver(script.byte(), /*keep=*/false);
        break;
      case 4:
        deliver(script.byte(), /*keep=*/true);
        break;
      case 5:
        change(script);
        break;
      case 6:
        tunnel_.wire.advance(std::chrono::milliseconds{script.word() * 4});
        break;
      case 7:  // any bytes as a datagram
        inject(tunnel_.bob, octets(script.take(script.byte())));
        break;
      case 8:
        held_.clear();
        break;
      case 9:
        tunnel_.alice.address.remote.port = static_cast<std::uint16_t>(script.word());
        break;
    }
    check_packets();
    tunnel_.wire.log.clear();
  }

  void heal() {
    held_.clear();
    tunnel_.wire.passes = [](const OnWire&) { return true; };
    if (tunnel_.alice.address.remote.port == 0) tunnel_.alice.address.remote.port = 1;
    tunnel_.wire.advance(std::chrono::minutes{4});
    tunnel_.bob.packets.clear();
    tunnel_.alice_sends();
    tunnel_.wire.advance(std::chrono::seconds{6});
    require(!tunnel_.bob.packets.empty() && tunnel_.bob.packets.back() == tunnel_.ping());
  }

 private:
  void inject(Node& node, Octets bytes) {
    tunnel_.wire.inject(node, tunnel_.alice.address, std::move(bytes));
  }

  void deliver(std::size_t which, bool keep) {
    if (held_.empty()) return;
    const auto at = held_.begin() + static_cast<std::ptrdiff_t>(which % held_.size());
    const OnWire datagram = *at;
    if (!keep) held_.erase(at);
    Node& to = datagram.to.remote == tunnel_.bob.address.remote ? tunnel_.bob : tunnel_.alice;
    tunnel_.wire.inject(to, datagram.from, datagram.bytes);
  }

  void change(Script& script) {
    if (held_.empty()) return;
    Octets& bytes = held_[script.byte() % held_.size()].bytes;
    bytes[script.word() % bytes.size()] ^= script.byte();
  }

  void check_packets() {
    for (const Octets& packet : tunnel_.bob.packets) {
      require(packet.size() >= 20 && packet[0] >> 4 == 4);
      require(load_be<std::uint16_t>(packet.data() + 2) == packet.size());
      require(IpAddress::from_bytes(Bytes{packet}.subspan(12, 4)) == tunnel_.alice.inner_address);
    }
    tunnel_.bob.packets.clear();
    tunnel_.alice.packets.clear();
  }

  Tunnel tunnel_;
  std::deque<OnWire> held_;
};

}  // namespace
}  // namespace wgr::wireguard

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wgr::wireguard::Line line;
  wgr::wireguard::Script script{{data, size}};
  for (int steps = 0; !script.is_done() && steps < 400; ++steps) line.step(script);
  line.heal();
  return 0;
}
