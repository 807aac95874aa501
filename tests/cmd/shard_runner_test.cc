// A worker with two outer addresses, and a WireGuard client on the loopback.
#include "cmd/shard_runner.h"

#include <poll.h>

#include <future>

#include "tests/cmd/shard_fixture.h"
#include "wireguard/messages.h"

namespace wgr {
namespace {

using wireguard::EndpointOrigin;

constexpr std::uint16_t kSecond = 1;

class ShardRunnerTest : public testing::Test {
 protected:
  ShardRunnerTest() {
    const GuestId router{0, 1};
    wireguard::PeerConfig of_router;
    of_router.public_key = wireguard::public_key_of(settings_.device.private_key);
    client_.set_peer(router, of_router, Clock::now());
    client_.set_endpoint(router, Endpoint::udp(runner_.ports()[kSecond]->local_address()),
                         EndpointOrigin::kOperator, Clock::now());
    runner_.start({&runner_.mailbox()});
  }

  static Shard::Settings settings() {
    Shard::Settings settings;
    settings.device.private_key = wireguard::generate_private_key();
    settings.policy = std::make_shared<egress::Policy>(egress::Policy::Settings{});
    settings.routes = std::make_shared<Routes>(std::make_shared<wireguard::AllowedIps>(), OverlayConfig{},
                                               std::vector<IpAddress>{}, std::vector<NetworkRoute>{});
    settings.directory = std::make_shared<wireguard::PeerDirectory>(
        std::vector<wireguard::PeerDirectory::Entry>{{client_key_public(), kPeer}});
    return settings;
  }
  static const wireguard::PrivateKey& client_key() {
    static const wireguard::PrivateKey key = wireguard::generate_private_key();
    return key;
  }
  static wireguard::PublicKey client_key_public() { return wireguard::public_key_of(client_key()); }
  static wireguard::DeviceConfig client_config() {
    wireguard::DeviceConfig config;
    config.private_key = client_key();
    return config;
  }
  static std::vector<std::unique_ptr<io::UdpSocket>> two_sockets() {
    std::vector<std::unique_ptr<io::UdpSocket>> sockets;
    for (const std::uint8_t host : {std::uint8_t{1}, std::uint8_t{2}}) {
      const SocketAddress address{IpAddress::v4(127, 0, 0, host), 0};
      sockets.push_back(std::make_unique<io::UdpSocket>(address, /*share_port=*/false));
    }
    return sockets;
  }

  // Runs `task(shard)` on the worker and waits for its result.
  template <typename Task>
  auto ask(Task task) {
    std::promise<decltype(task(std::declval<Shard&>()))> answer;
    runner_.post([&](Shard& shard) { answer.set_value(task(shard)); });
    return answer.get_future().get();
  }
  void set_peer(std::chrono::seconds persistent_keepalive) {
    wireguard::PeerConfig peer;
    peer.public_key = client_key_public();
    peer.persistent_keepalive = persistent_keepalive;
    ask([peer](Shard& shard) {
      shard.device().set_peer(kPeer, peer, Clock::now());
      return true;
    });
  }
  // Where the next datagram to the client comes from.
  SocketAddress next_source() {
    pollfd watched{socket_.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&watched, 1, /*milliseconds=*/10'000), 1);
    const auto received = socket_.receive();
    return received.empty() ? SocketAddress{} : received.front().from.remote;
  }

  const Shard::Settings settings_ = settings();
  ShardRunner runner_{0, settings_, /*mailbox_capacity=*/64, two_sockets()};
  Rng rng_{/*seed=*/1};
  wireguard::Device client_{client_config(), 0, WallTime{std::chrono::hours{1}}, Clock::now(), rng_};
  io::UdpSocket socket_{SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}, /*share_port=*/false};
};

TEST_F(ShardRunnerTest, EndpointKnowsTheSocketThatHeardIt) {
  set_peer(std::chrono::seconds{0});
  DatagramBatch batch;
  wireguard::Device::Out out{batch};
  const std::vector<std::uint8_t> packet(20);
  client_.send(GuestId{0, 1}, packet, Clock::now(), out);
  socket_.send(batch.runs(), Clock::now());

  EXPECT_EQ(next_source(), runner_.ports()[kSecond]->local_address());
  EXPECT_EQ(ask([](Shard& shard) { return shard.device().status().at(0).endpoint.socket; }), kSecond);
}

// As it is after a silence: a socket bound to another address would answer from where the peer never sent to.
TEST_F(ShardRunnerTest, EndpointWithoutALocalAddressIsServedByTheSocketThatHeardIt) {
  set_peer(std::chrono::seconds{25});
  Endpoint heard = Endpoint::udp(socket_.local_address());
  heard.socket = kSecond;
  ask([heard](Shard& shard) {
    shard.device().set_endpoint(kPeer, heard, EndpointOrigin::kOperator, Clock::now());
    return true;
  });

  EXPECT_EQ(next_source(), runner_.ports()[kSecond]->local_address());
}

TEST_F(ShardRunnerTest, ConfiguredEndpointIsServedByTheFirstSocketOfItsFamily) {
  set_peer(std::chrono::seconds{25});
  const Endpoint configured = Endpoint::udp(socket_.local_address());
  ask([configured](Shard& shard) {
    shard.device().set_endpoint(kPeer, configured, EndpointOrigin::kOperator, Clock::now());
    return true;
  });

  EXPECT_EQ(next_source(), runner_.ports()[0]->local_address());
}

}  // namespace
}  // namespace wgr
