// The whole router at simulated time: a WireGuard client's streams reach servers and come back whole.
#include <numeric>

#include "gtest/gtest.h"

#include "core/wire/ipv4.h"
#include "tests/sim/world.h"

namespace wgr::sim {
namespace {

using namespace std::chrono_literals;

const SocketAddress kServerV4{IpAddress::v4(93, 184, 216, 34), 80};
const SocketAddress kServerV6{*IpAddress::parse("2606:2800::1"), 80};

std::vector<std::uint8_t> pattern(std::size_t size, std::uint64_t seed) {
  std::vector<std::uint8_t> bytes(size);
  Rng rng{seed};
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  return bytes;
}

// Sends back what it gets, and finishes when the guest does.
void make_echo(TcpServer& server) {
  server.on_accept = [](RemoteStream& stream) {
    stream.on_data = [](RemoteStream& self, Bytes bytes) { self.send(bytes); };
    stream.on_finish = [](RemoteStream& self) { self.finish(); };
  };
}

void expect_echo(World& world, Guest& guest, const SocketAddress& server, std::size_t size, Duration limit) {
  const auto sent = pattern(size, size);
  GuestStream& stream = guest.connect(server);
  stream.send(sent);
  stream.finish();
  EXPECT_TRUE(world.run_until([&] { return stream.is_remote_finished(); }, limit))
      << stream.received().size() << " of " << size << " bytes came back";
  EXPECT_TRUE(stream.received() == sent) << "the stream came back changed";
}

TEST(RouterTest, StreamReachesAServerAndComesBack) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  make_echo(world.internet().listen(kServerV6));
  Guest& guest = world.add_guest({});

  expect_echo(world, guest, kServerV4, 100'000, 60s);
  expect_echo(world, guest, kServerV6, 100'000, 60s);
}

struct Weather {
  const char* name;
  LinkSettings link;
};

class RouterWeatherTest : public testing::TestWithParam<Weather> {};

TEST_P(RouterWeatherTest, EveryByteArrivesBothWays) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World::Settings settings;
    settings.seed = seed;
    World world{settings};
    make_echo(world.internet().listen(kServerV4));
    Guest::Settings guest;
    guest.up = guest.down = GetParam().link;
    expect_echo(world, world.add_guest(guest), kServerV4, 1'000'000, 600s);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Links, RouterWeatherTest,
    testing::Values(Weather{"Clean", {.latency = 10ms}}, Weather{"Loss1", {.latency = 10ms, .loss = 0.01}},
                    Weather{"Loss5", {.latency = 10ms, .loss = 0.05}},
                    Weather{"Reordering", {.latency = 10ms, .jitter = 4ms, .reorder = 0.05}},
                    Weather{"Duplication", {.latency = 10ms, .duplicate = 0.1}},
                    Weather{"Corruption", {.latency = 10ms, .corrupt = 0.02}},
                    Weather{"Everything",
                            {.latency = 25ms,
                             .jitter = 10ms,
                             .loss = 0.03,
                             .duplicate = 0.03,
                             .reorder = 0.05,
                             .corrupt = 0.01}},
                    Weather{"SlowLine",
                            {.latency = 30ms, .bits_per_second = 10'000'000, .queue_bytes = 64 * 1024}}),
    [](const auto& info) { return info.param.name; });

TEST(RouterTest, RefusedConnectionIsToldAtOnce) {
  World world;
  Guest& guest = world.add_guest({});
  GuestStream& stream = guest.connect(kServerV4);  // nobody listens

  EXPECT_TRUE(world.run_until([&] { return stream.was_reset(); }, 2s));
}

TEST(RouterTest, GuestsOfDifferentWorkersAreServedAlike) {
  World::Settings settings;
  settings.workers = 4;
  World world{settings};
  make_echo(world.internet().listen(kServerV4));
  for (std::uint8_t number = 1; number <= 9; ++number) {
    Guest::Settings guest;
    guest.number = number;
    Guest& added = world.add_guest(guest);
    // Every outer port in turn: most initiations arrive at a worker that is not the peer's home.
    added.roam({IpAddress::v4(198, 51, 100, number), static_cast<std::uint16_t>(50000 + number)});
    SCOPED_TRACE("guest " + std::to_string(number));
    expect_echo(world, added, kServerV4, 20'000, 60s);
  }
}

TEST(RouterTest, GuestsReachEachOtherThroughTheOverlayOnly) {
  for (const bool is_enabled : {true, false}) {
    World::Settings settings;
    settings.workers = 2;
    settings.overlay.enabled = is_enabled;
    World world{settings};
    Guest& alice = world.add_guest({.number = 1, .persistent_keepalive = 25s});
    Guest& bob = world.add_guest({.number = 2, .persistent_keepalive = 25s});
    world.run_for(1s);
    // A hand-made UDP packet from Alice to Bob.
    std::vector<std::uint8_t> packet(20 + 8 + 5);
    const wire::Ipv4Header header{.source = alice.v4(), .destination = bob.v4()};
    wire::write_ipv4(packet, header);
    alice.send_packet(packet);
    const bool has_arrived = world.run_until([&] { return !bob.packets().empty(); }, 2s);

    EXPECT_EQ(has_arrived, is_enabled);
    if (has_arrived) {
      EXPECT_EQ(bob.packets()[0][8], packet[8] - 1) << "the overlay takes one hop";
    }
  }
}

TEST(RouterTest, PresharedKeyOnOneSideOnlyLetsNothingPass) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  Guest::Settings settings;
  settings.preshared_key.emplace();
  settings.preshared_key->data()[0] = 1;
  settings.guest_preshared_key.emplace();  // all zero: none
  GuestStream& stream = world.add_guest(settings).connect(kServerV4);

  EXPECT_FALSE(world.run_until([&] { return stream.is_established(); }, 30s));
  EXPECT_EQ(world.active_flows(), 0u);
}

TEST(RouterTest, TransferSurvivesRoamingInItsMiddle) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  Guest::Settings settings;
  settings.up = settings.down = {.latency = 10ms, .bits_per_second = 50'000'000, .queue_bytes = 256 * 1024};
  Guest& guest = world.add_guest(settings);
  const auto sent = pattern(3'000'000, 5);
  GuestStream& stream = guest.connect(kServerV4);
  stream.send(sent);
  stream.finish();
  ASSERT_TRUE(world.run_until([&] { return stream.received().size() > 500'000; }, 60s));
  guest.roam({IpAddress::v4(203, 0, 113, 99), 1234});

  EXPECT_TRUE(world.run_until([&] { return stream.is_remote_finished(); }, 60s));
  EXPECT_TRUE(stream.received() == sent);
}

TEST(RouterTest, TransferSurvivesRekeying) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  Guest::Settings settings;
  settings.up = settings.down = {.latency = 10ms, .bits_per_second = 400'000, .queue_bytes = 64 * 1024};
  Guest& guest = world.add_guest(settings);
  const auto sent = pattern(15'000'000, 6);  // 300 s on this line: two rekeys
  GuestStream& stream = guest.connect(kServerV4);
  stream.send(Bytes{sent});
  stream.finish();

  EXPECT_TRUE(world.run_until([&] { return stream.is_remote_finished(); }, 900s));
  EXPECT_TRUE(stream.received() == sent);
  EXPECT_GE(world.shard(0).device().counters().handshakes_completed.value(), 3u);
}

TEST(RouterTest, ClientRecoversByItselfWhenTheRouterRestarts) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  Guest& guest = world.add_guest({});
  expect_echo(world, guest, kServerV4, 1000, 10s);
  world.restart_router();
  world.run_for(1s);

  expect_echo(world, guest, kServerV4, 1000, 30s);
}

TEST(RouterTest, NothingIsLeftWhenEverythingHasEnded) {
  World world;
  make_echo(world.internet().listen(kServerV4));
  Guest& guest = world.add_guest({});
  for (int i = 0; i < 20; ++i) expect_echo(world, guest, kServerV4, 5000, 60s);
  world.run_for(10min);

  EXPECT_EQ(world.active_flows(), 0u);
}

}  // namespace
}  // namespace wgr::sim
