// Any datagram into a device whose key is known, as it stands and with a MAC1 that fits, idle and
// under load: every parser of the four messages. Nothing may come out but cookie replies.
#include <algorithm>
#include <cstdlib>

#include "wireguard/cookie.h"
#include "wireguard/device.h"

namespace wgr::wireguard {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

PrivateKey known_key() {
  PrivateKey key;
  std::fill_n(key.data(), key.size(), std::uint8_t{0x42});
  clamp(key);
  return key;
}

class Target {
 public:
  explicit Target(std::size_t handshake_queue)
      : device_(config(handshake_queue), 0, WallTime{}, Instant{}, rng_) {
    PeerConfig peer;
    peer.public_key = public_key_of(generate_private_key());
    device_.set_peer(GuestId{0, 1}, peer, Instant{});
  }

  void receive(Bytes bytes, bool is_mac1_valid) {
    now_ += std::chrono::milliseconds{1};
    std::vector<std::uint8_t> datagram(bytes.begin(), bytes.end());
    if (is_mac1_valid && datagram.size() >= kMacsSize) jar_.add_macs(datagram, now_);
    device_.receive(from_, datagram, now_, out_);
    require(out_.packets.empty() && out_.stray_initiations.empty());
    for (const DatagramBatch::Run& run : batch_.runs()) {
      require(classify(run.bytes) == MessageType::kCookieReply && run.to == from_ && is_mac1_valid);
    }
    batch_.clear();
    out_.clear();
  }

 private:
  static DeviceConfig config(std::size_t handshake_queue) {
    DeviceConfig config;
    config.private_key = known_key();
    config.handshake_queue = handshake_queue;
    return config;
  }

  Rng rng_{1};
  Instant now_{};
  Device device_;
  CookieJar jar_{public_key_of(known_key())};
  Endpoint from_ = Endpoint::udp({IpAddress::v4(192, 0, 2, 1), 1});
  DatagramBatch batch_;
  Device::Out out_{batch_};
};

}  // namespace
}  // namespace wgr::wireguard

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static wgr::wireguard::Target idle{1u << 30}, loaded{0};
  for (wgr::wireguard::Target* target : {&idle, &loaded}) {
    target->receive({data, size}, /*is_mac1_valid=*/false);
    target->receive({data, size}, /*is_mac1_valid=*/true);
  }
  return 0;
}
