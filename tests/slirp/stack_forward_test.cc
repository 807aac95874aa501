// Outside clients through forwards into a guest: TCP.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/wire/proxy_protocol.h"
#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::GuestServer;
using sim::GuestTcp;
using sim::kGuest;
using sim::kOtherGuest;
using sim::StackWorld;

class StackForwardTest : public testing::TestWithParam<Family> {
 protected:
  bool is_v4() const { return GetParam() == Family::kV4; }
  IpAddress own() const { return is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"); }
  SocketAddress guest(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress other_guest(std::uint16_t port = 80) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 3) : *IpAddress::parse("fd00::3"), port};
  }
  SocketAddress client(std::uint16_t port = 50000) const {
    return {is_v4() ? IpAddress::v4(198, 51, 100, 7) : *IpAddress::parse("2001:db8:7::7"), port};
  }
  SocketAddress host(std::uint16_t port = 8080) const {
    return {is_v4() ? IpAddress::v4(203, 0, 113, 1) : *IpAddress::parse("2001:db8:ffff::1"), port};
  }
  static ForwardConfig forward(std::uint16_t port = 8080) {
    ForwardConfig config;
    config.listen_port = port;
    config.guest_port = 80;
    return config;
  }
  ForwardTarget target() const { return {kGuest, guest().ip, own()}; }
  void open(StackWorld& world, ForwardConfig config = forward()) {
    world.set_forwards({std::move(config)});
    world.stack().set_forward_target(0, target());
  }
  static ForwardStatus status(const StackWorld& world) {
    return const_cast<StackWorld&>(world).stack().forward_status().at(0);
  }
};

INSTANTIATE_TEST_SUITE_P(Families, StackForwardTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

std::uint8_t pattern(std::uint64_t offset, int seed) {
  return static_cast<std::uint8_t>((offset * 2654435761u >> 13) + offset + static_cast<std::uint64_t>(seed));
}

void fill(std::uint64_t offset, MutableBytes into, int seed) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = pattern(offset + i, seed);
}

bool is_pattern(const std::vector<std::uint8_t>& bytes, int seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern(i, seed)) return false;
  }
  return true;
}

TEST_P(StackForwardTest, CarriesBytesBothWaysAndClosesInOrder) {
  StackWorld world;
  open(world);
  GuestServer server{world, guest()};
  const auto outside = world.internet.dial(client(), host());
  outside->send("early");  // waits until the guest has answered
  world.settle();
  ASSERT_EQ(server.connections.size(), 1u);
  EXPECT_TRUE(server.last().is_established());
  EXPECT_EQ(server.last().remote().ip, own());
  EXPECT_GE(server.last().remote().port, 32768);
  EXPECT_EQ(server.last().received_text(), "early");
  EXPECT_EQ(status(world).active_flows, 1u);

  server.last().send("answer");
  server.last().finish();
  world.settle();
  EXPECT_EQ(outside->received_text(), "answer");
  EXPECT_TRUE(outside->peer_finished());
  outside->send(" late");
  outside->finish();
  world.advance(1s);
  EXPECT_EQ(server.last().received_text(), "early late");
  EXPECT_TRUE(server.last().peer_finished());
  EXPECT_FALSE(outside->peer_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
  EXPECT_EQ(status(world).active_flows, 0u);
  EXPECT_EQ(status(world).flows_opened, 1u);
}

TEST_P(StackForwardTest, EveryByteArrivesBothWaysThroughLoss) {
  StackWorld world;
  world.link_latency = 5ms;
  int packets = 0;
  world.passes_to_guest = [&packets](const sim::GuestPacket&) { return ++packets % 50 != 0; };
  open(world);
  GuestServer server{world, guest()};
  constexpr std::uint64_t kSize = 500'000;
  server.on_accept = [](GuestTcp& connection) {
    connection.send_generated(kSize, [](auto offset, auto into) { fill(offset, into, 1); });
  };
  const auto outside = world.internet.dial(client(), host());
  outside->send_generated(kSize, [](auto offset, auto into) { fill(offset, into, 2); });
  EXPECT_TRUE(world.advance_until(
      [&] {
        return outside->bytes_received() == kSize && !server.connections.empty() &&
               server.last().bytes_received() == kSize;
      },
      5min));
  EXPECT_TRUE(is_pattern(outside->received(), 1));
  EXPECT_TRUE(is_pattern(server.last().received(), 2));
}

TEST_P(StackForwardTest, AGuestThatRefusesResetsTheClient) {
  StackWorld world;
  open(world);
  const auto outside = world.internet.dial(client(), host());
  outside->send("hello?");
  world.settle();
  sim::GuestPacket syn = world.take_one();
  EXPECT_EQ(syn.tcp().flags(), wire::kTcpSyn);
  EXPECT_EQ(syn.ip().destination, guest().ip);
  EXPECT_FALSE(outside->peer_closed());
  wire::TcpHeader rst;
  rst.acknowledgement = syn.tcp().sequence() + 1;
  rst.flags = wire::kTcpRst | wire::kTcpAck;
  world.send(sim::tcp_packet(guest(), {own(), syn.tcp().source_port()}, rst));
  EXPECT_TRUE(outside->peer_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackForwardTest, AGuestThatNeverAnswersResetsTheClient) {
  StackWorld world;
  open(world);
  const auto outside = world.internet.dial(client(), host());
  world.advance(4min);
  EXPECT_TRUE(outside->peer_reset());
  EXPECT_EQ(world.stack().active_flows(), 0u);
}

TEST_P(StackForwardTest, WithoutATargetTheClientIsResetAndCounted) {
  StackWorld world;
  world.set_forwards({forward()});
  auto outside = world.internet.dial(client(), host());
  world.settle();
  EXPECT_TRUE(outside->peer_reset());
  EXPECT_EQ(status(world).refused_absent, 1u);
  EXPECT_EQ(status(world).target, std::nullopt);
  EXPECT_EQ(world.drops(DropReason::kNoRoute), 1u);

  world.stack().set_forward_target(0, target());
  GuestServer server{world, guest()};
  outside = world.internet.dial(client(), host());
  world.settle();
  EXPECT_FALSE(outside->peer_reset());
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_P(StackForwardTest, ATargetFromAnAddressThatIsNotOursIsNone) {
  StackWorld world;
  open(world);
  world.stack().set_forward_target(0, ForwardTarget{kGuest, guest().ip, other_guest().ip});
  EXPECT_EQ(status(world).target, std::nullopt);
}

TEST_P(StackForwardTest, AMovedTargetTakesNewClientsAndKeepsLiveOnes) {
  StackWorld world;
  open(world);
  GuestServer first{world, guest()};
  GuestServer second{world, other_guest(), kOtherGuest};
  const auto before = world.internet.dial(client(1), host());
  world.settle();
  world.stack().set_forward_target(0, ForwardTarget{kOtherGuest, other_guest().ip, own()});
  const auto after = world.internet.dial(client(2), host());
  world.settle();
  before->send("one");
  after->send("two");
  world.settle();
  EXPECT_EQ(first.last().received_text(), "one");
  EXPECT_EQ(second.last().received_text(), "two");
}

TEST_P(StackForwardTest, ARemovedGuestResetsItsClientsAndIsNoTargetAnyMore) {
  StackWorld world;
  open(world);
  GuestServer server{world, guest()};
  const auto outside = world.internet.dial(client(), host());
  world.settle();
  world.stack().remove_guest(kGuest);
  world.settle();
  EXPECT_TRUE(outside->peer_reset());
  EXPECT_EQ(status(world).target, std::nullopt);
  EXPECT_EQ(status(world).active_flows, 0u);
}

TEST_P(StackForwardTest, OnlyAllowedSourcesComeIn) {
  StackWorld world;
  ForwardConfig config = forward();
  config.allowed_sources = {Prefix{client().ip, is_v4() ? 24u : 48u}};
  open(world, config);
  GuestServer server{world, guest()};
  const SocketAddress stranger{is_v4() ? IpAddress::v4(198, 51, 101, 7) : *IpAddress::parse("2001:db8:8::7"),
                               9};
  const auto refused = world.internet.dial(stranger, host());
  const auto taken = world.internet.dial(client(), host());
  world.settle();
  EXPECT_TRUE(refused->peer_reset());
  EXPECT_FALSE(taken->peer_reset());
  EXPECT_EQ(server.connections.size(), 1u);
  EXPECT_EQ(status(world).refused_sources, 1u);
  EXPECT_EQ(world.drops(DropReason::kPolicyDenied), 1u);
}

TEST_P(StackForwardTest, OneSourceHasItsShareAndNoMore) {
  Config config = StackWorld::default_config();
  config.limits.forward_flows_per_source = 2;
  StackWorld world{config};
  open(world);
  GuestServer server{world, guest()};
  std::vector<std::shared_ptr<sim::RemoteStream>> many;
  for (std::uint16_t port = 1; port <= 4; ++port) many.push_back(world.internet.dial(client(port), host()));
  world.settle();
  EXPECT_EQ(server.connections.size(), 2u);
  EXPECT_TRUE(many[2]->peer_reset() && many[3]->peer_reset());
  EXPECT_EQ(status(world).refused_limits, 2u);
  const SocketAddress other{is_v4() ? IpAddress::v4(198, 51, 100, 8) : *IpAddress::parse("2001:db8:8::7"), 9};
  const auto another = world.internet.dial(other, host());
  world.settle();
  EXPECT_EQ(server.connections.size(), 3u);
  // What ends makes room.
  many[0]->reset();
  world.settle();
  world.internet.dial(client(9), host());
  world.settle();
  EXPECT_EQ(server.connections.size(), 4u);
}

TEST_P(StackForwardTest, TheProxyHeaderIsTheFirstTheGuestReads) {
  StackWorld world;
  ForwardConfig config = forward();
  config.proxy_protocol = true;
  open(world, config);
  GuestServer server{world, guest()};
  const auto outside = world.internet.dial(client(), host());
  outside->send("GET /");
  world.settle();
  std::array<std::uint8_t, wire::kMaxProxyHeader> into;
  const Bytes header = wire::write_proxy_header(into, client(), host());
  EXPECT_EQ(server.last().received_text(), std::string(header.begin(), header.end()) + "GET /");
}

TEST_P(StackForwardTest, ASlowGuestStopsTheClient) {
  StackWorld world;
  open(world);
  GuestServer server{world, guest()};
  server.on_accept = [](GuestTcp& connection) { connection.pause_reading(); };
  const auto outside = world.internet.dial(client(), host());
  std::uint64_t made = 0;
  outside->send_generated(10'000'000, [&made](auto offset, auto into) { made = offset + into.size(); });
  world.advance(10s);
  EXPECT_LT(made, 1'000'000u);  // its window and what is under way
  server.last().keep_received = false;
  server.last().resume_reading();
  world.advance(10s);
  EXPECT_EQ(made, 10'000'000u);
}

TEST_P(StackForwardTest, ARemovedForwardResetsItsFlowsAndTheOthersStay) {
  StackWorld world;
  world.set_forwards({forward(8080), forward(8081)});
  for (std::size_t i : {0u, 1u}) world.stack().set_forward_target(i, target());
  GuestServer server{world, guest()};
  const auto goes = world.internet.dial(client(1), host(8080));
  const auto stays = world.internet.dial(client(2), host(8081));
  world.settle();
  world.set_forwards({forward(8082), forward(8081)});
  EXPECT_TRUE(goes->peer_reset());
  EXPECT_TRUE(server.connections[0]->is_closed());
  EXPECT_FALSE(stays->peer_closed());
  stays->send("still here");
  world.settle();
  EXPECT_EQ(server.connections[1]->received_text(), "still here");
  EXPECT_EQ(world.stack().forward_status()[1].target, target());
  EXPECT_TRUE(world.internet.dial(client(3), host(8080)) != nullptr);
  world.settle();
  EXPECT_EQ(server.connections.size(), 2u);
}

TEST_P(StackForwardTest, APortInUseIsToldAndTriedAgain) {
  StackWorld world;
  world.sockets.bind_error = EADDRINUSE;
  open(world);
  EXPECT_EQ(status(world).error, EADDRINUSE);
  EXPECT_EQ(status(world).failed_address.port, 8080);
  world.sockets.bind_error = 0;
  world.advance(1s);
  EXPECT_EQ(status(world).error, 0);
  GuestServer server{world, guest()};
  world.internet.dial(client(), host());
  world.settle();
  EXPECT_EQ(server.connections.size(), 1u);
}

// accept(2) of a listening socket that was shut down.
TEST_P(StackForwardTest, APortThatIsLostIsToldAndOpenedAgain) {
  StackWorld world;
  open(world);
  EXPECT_TRUE(world.stack().unbound_forwards(9).empty());
  world.sockets.accept_error = EINVAL;
  world.sockets.bind_error = EADDRINUSE;
  world.internet.dial(client(), host());
  world.settle();
  EXPECT_EQ(status(world).error, EINVAL);
  ASSERT_FALSE(world.stack().unbound_forwards(9).empty());
  EXPECT_EQ(world.stack().unbound_forwards(9).front().address.port, 8080);
  EXPECT_EQ(world.drops(DropReason::kDescriptorsExhausted), 0u);

  world.advance(1s);
  EXPECT_EQ(status(world).error, EADDRINUSE);
  world.sockets.accept_error = world.sockets.bind_error = 0;
  world.advance(2s);
  EXPECT_TRUE(world.stack().unbound_forwards(9).empty());
  GuestServer server{world, guest()};
  world.internet.dial(client(), host());
  world.settle();
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_P(StackForwardTest, UnboundPortsAreToldUpToALimit) {
  StackWorld world;
  world.sockets.bind_error = EADDRINUSE;
  world.set_forwards({forward(8080), forward(8081)});

  EXPECT_EQ(world.stack().unbound_forwards(9).size(), 4u);  // of both families
  EXPECT_EQ(world.stack().unbound_forwards(3).size(), 3u);
}

TEST_P(StackForwardTest, OutOfDescriptorsClientsWait) {
  StackWorld world;
  open(world);
  GuestServer server{world, guest()};
  world.sockets.descriptor_limit = world.sockets.open_sockets;
  const auto outside = world.internet.dial(client(), host());
  world.settle();
  EXPECT_EQ(world.drops(DropReason::kDescriptorsExhausted), 1u);
  EXPECT_FALSE(outside->peer_reset());
  world.sockets.descriptor_limit = SIZE_MAX;
  world.advance(200ms);
  EXPECT_EQ(server.connections.size(), 1u);
}

TEST_P(StackForwardTest, DrainClosesThePortsAndKeepsTheFlows) {
  StackWorld world;
  open(world);
  GuestServer server{world, guest()};
  const auto live = world.internet.dial(client(1), host());
  world.settle();
  world.stack().drain();
  const auto late = world.internet.dial(client(2), host());
  live->send("on");
  world.settle();
  EXPECT_TRUE(late->peer_reset());
  EXPECT_EQ(server.last().received_text(), "on");
}

TEST_P(StackForwardTest, ARangeIsManyPortsEachToItsOwn) {
  StackWorld world;
  std::vector<ForwardConfig> range;
  for (std::uint16_t i = 0; i < 16; ++i) {
    ForwardConfig config = forward(static_cast<std::uint16_t>(9000 + i));
    config.guest_port = static_cast<std::uint16_t>(100 + i);
    range.push_back(config);
  }
  world.set_forwards(range);
  for (std::size_t i = 0; i < range.size(); ++i) world.stack().set_forward_target(i, target());
  GuestServer server{world, guest(107)};
  world.internet.dial(client(), host(9007));
  world.settle();
  EXPECT_EQ(server.connections.size(), 1u);
}

}  // namespace
}  // namespace wgr::slirp
