// The router's own DNS: UDP and TCP 53 on its inner addresses, forwarded to the upstreams.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/wire/dns.h"
#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::kGuest;
using sim::kOtherGuest;
using sim::Packet;
using sim::StackWorld;

// One question of type A, class IN.
Packet query_for(std::string_view label, std::uint16_t id) {
  Packet query(12);
  store_be<std::uint16_t>(query.data(), id);
  query[2] = 0x01;  // recursion desired
  query[5] = 1;
  query.push_back(static_cast<std::uint8_t>(label.size()));
  query.insert(query.end(), label.begin(), label.end());
  query.insert(query.end(), {4, 't', 'e', 's', 't', 0, 0, 1, 0, 1});
  return query;
}

Packet reply_to(Bytes query, std::size_t padding = 0) {
  Packet reply(query.begin(), query.end());
  reply[2] |= 0x80;
  reply.resize(reply.size() + padding, 0xaa);
  return reply;
}

// As over TCP.
Packet framed(const Packet& message) {
  Packet bytes(2 + message.size());
  store_be(bytes.data(), static_cast<std::uint16_t>(message.size()));
  std::copy(message.begin(), message.end(), bytes.begin() + 2);
  return bytes;
}

class StackDnsTest : public testing::TestWithParam<Family> {
 protected:
  static Config config() {
    Config config = StackWorld::default_config();
    // Private resolvers: the operator's, not subject to the guest's policy.
    config.dns.upstreams = {first(), second()};
    return config;
  }
  static SocketAddress first() { return {IpAddress::v4(192, 168, 0, 53), 53}; }
  static SocketAddress second() { return {IpAddress::v4(192, 168, 0, 54), 53}; }
  bool is_v4() const { return GetParam() == Family::kV4; }
  SocketAddress guest(std::uint16_t port = 5353) const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 2) : *IpAddress::parse("fd00::2"), port};
  }
  SocketAddress own() const {
    return {is_v4() ? IpAddress::v4(10, 0, 0, 1) : *IpAddress::parse("fd00::1"), 53};
  }
  Packet ask(std::string_view label, std::uint16_t id, std::uint16_t port = 5353) const {
    return sim::udp_packet(guest(port), own(), query_for(label, id));
  }
  static wire::DnsView view(sim::GuestPacket& packet) {
    return *wire::DnsView::parse(packet.udp().payload());
  }
};

INSTANTIATE_TEST_SUITE_P(Families, StackDnsTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(StackDnsTest, ForwardsWithAnIdOfItsOwnAndPutsTheGuestsBack) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(first());
  std::set<std::uint16_t> ids;
  std::set<SocketAddress> sources;
  upstream.on_datagram = [&](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    ids.insert(load_be<std::uint16_t>(datagram.payload.data()));
    sources.insert(datagram.from);
    self.send(datagram.from, reply_to(datagram.payload));
  };
  for (std::uint16_t id = 1; id <= 8; ++id) world.send(ask("name" + std::to_string(id), id));
  std::vector<sim::GuestPacket> replies = world.take();
  ASSERT_EQ(replies.size(), 8u);
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(view(replies[i]).id(), i + 1);
    EXPECT_EQ(replies[i].ip().source, own().ip);
    EXPECT_EQ(replies[i].udp().source_port(), 53);
    EXPECT_EQ(replies[i].udp().destination_port(), guest().port);
  }
  EXPECT_EQ(sources.size(), 8u);  // a port for each
  EXPECT_GT(ids.size(), 6u);      // random: eight equal ids are as good as impossible
  EXPECT_EQ(world.counters().dns_outstanding.value(), 0);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_P(StackDnsTest, RepliesOfStrangersWithWrongIdsOrQuestionsAreIgnored) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(first());
  auto& stranger = world.internet.bind_udp({IpAddress::v4(9, 9, 9, 9), 53});
  world.send(ask("name", 1));
  ASSERT_EQ(upstream.received().size(), 1u);
  const sim::ReceivedDatagram query = upstream.received()[0];
  stranger.send(query.from, reply_to(query.payload));
  Packet wrong_id = reply_to(query.payload);
  wrong_id[0] ^= 0x55;
  upstream.send(query.from, wrong_id);
  Packet wrong_question = reply_to(query.payload);
  wrong_question[14] ^= 0x01;
  upstream.send(query.from, wrong_question);
  upstream.send(query.from, query.payload);  // not a response
  world.settle();
  EXPECT_TRUE(world.take().empty());
  EXPECT_EQ(world.counters().dns_mismatched.value(), 4u);
  upstream.send(query.from, reply_to(query.payload));
  world.settle();
  EXPECT_EQ(view(*std::make_unique<sim::GuestPacket>(world.take_one())).id(), 1);
}

TEST_P(StackDnsTest, SilentUpstreamGivesWayToTheNext) {
  StackWorld world{config()};
  world.internet.host(first().ip).is_silent = true;
  auto& upstream = world.internet.bind_udp(second());
  upstream.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, reply_to(datagram.payload));
  };
  world.send(ask("name", 7));
  world.advance(2s - 1ms);
  EXPECT_TRUE(world.take().empty());
  world.advance(1ms);
  sim::GuestPacket reply = world.take_one();
  EXPECT_EQ(view(reply).id(), 7);
  EXPECT_EQ(world.counters().dns_retries.value(), 1u);
}

TEST_P(StackDnsTest, RefusingUpstreamGivesWayAtOnce) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(second());
  upstream.on_datagram = [](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, reply_to(datagram.payload));
  };
  world.send(ask("name", 7));
  EXPECT_EQ(world.take().size(), 1u);
}

TEST_P(StackDnsTest, NoUpstreamAnswersIsServfail) {
  StackWorld world{config()};
  world.internet.host(first().ip).is_silent = true;
  world.internet.host(second().ip).is_silent = true;
  world.send(ask("name", 7));
  world.advance(4s);
  sim::GuestPacket reply = world.take_one();
  EXPECT_EQ(view(reply).id(), 7);
  EXPECT_TRUE(view(reply).is_response());
  EXPECT_EQ(view(reply).rcode(), wire::DnsRcode::kServFail);
  EXPECT_EQ(view(reply).question_count(), 1);
  EXPECT_EQ(world.drops(DropReason::kDnsUnanswered), 1u);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_P(StackDnsTest, ImpatientGuestIsOneQuery) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(first());
  world.send({ask("name", 7), ask("name", 7), ask("name", 7)});
  EXPECT_EQ(upstream.received().size(), 1u);
  EXPECT_EQ(world.counters().dns_repeated.value(), 2u);
}

TEST_P(StackDnsTest, MalformedQueriesGoNowhere) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(first());
  world.send(sim::udp_packet(guest(), own(), "short"));
  world.send(sim::udp_packet(guest(), own(), reply_to(query_for("x", 1))));
  EXPECT_TRUE(world.take().empty());
  Packet no_question = query_for("x", 2);
  no_question.resize(14);
  world.send(sim::udp_packet(guest(), own(), no_question));
  sim::GuestPacket reply = world.take_one();
  EXPECT_EQ(view(reply).rcode(), wire::DnsRcode::kFormErr);
  EXPECT_TRUE(upstream.received().empty());
  EXPECT_EQ(world.drops(DropReason::kDnsMalformed), 3u);
}

TEST_P(StackDnsTest, OutstandingQueriesAreCappedPerGuest) {
  Config capped = config();
  capped.dns.outstanding_per_guest = 10;
  StackWorld world{capped};
  world.internet.host(first().ip).is_silent = true;
  for (std::uint16_t id = 0; id < 20; ++id) world.send(ask("name", id));
  EXPECT_EQ(world.counters().dns_outstanding.value(), 10);
  EXPECT_EQ(world.drops(DropReason::kDnsLimit), 10u);
  world.send(ask("name", 1), kOtherGuest);
  EXPECT_EQ(world.counters().dns_outstanding.value(), 11);
}

TEST_P(StackDnsTest, OutstandingQueriesAreCappedInAll) {
  Config settings = config();
  settings.dns.outstanding = 3;
  StackWorld world{settings};
  world.internet.bind_udp(first());  // silent
  for (std::uint16_t id = 1; id <= 5; ++id) world.send(ask("x", id));

  EXPECT_EQ(world.drops(DropReason::kDnsLimit), 2u);
}

TEST_P(StackDnsTest, ChangedUpstreamsAreAskedAndTheFormerMayStillAnswer) {
  StackWorld world{config()};
  auto& former = world.internet.bind_udp(first());
  world.send(ask("early", 1));
  auto& next = world.internet.bind_udp(second());
  world.stack().set_dns_upstreams({second()});
  world.send(ask("late", 2));
  ASSERT_EQ(former.received().size(), 1u);
  ASSERT_EQ(next.received().size(), 1u);
  former.send(former.received()[0].from, reply_to(former.received()[0].payload));
  next.send(next.received()[0].from, reply_to(next.received()[0].payload));
  world.settle();

  EXPECT_EQ(world.take().size(), 2u);
}

TEST_P(StackDnsTest, LongReplyIsFragmentedAndTruncationPasses) {
  StackWorld world{config()};
  auto& upstream = world.internet.bind_udp(first());
  world.send(ask("long", 1));
  upstream.send(upstream.received()[0].from, reply_to(upstream.received()[0].payload, 3000));
  world.settle();
  EXPECT_EQ(world.take().size(), 3u);
  world.send(ask("cut", 2));
  Packet cut = reply_to(upstream.received()[1].payload);
  cut[2] |= 0x02;
  upstream.send(upstream.received()[1].from, cut);
  world.settle();
  sim::GuestPacket reply = world.take_one();
  EXPECT_TRUE(view(reply).is_truncated());
}

TEST_P(StackDnsTest, OverTcpIsBridgedToAnUpstreamAndToTheNextIfTheFirstRefuses) {
  StackWorld world{config()};
  auto& server = world.internet.listen(second());
  server.on_accept = [](sim::RemoteStream& stream) {
    stream.on_data = [](sim::RemoteStream& s, Bytes bytes) { s.send(bytes); };
  };
  sim::GuestTcp client{world, guest(), own()};
  client.connect();
  const Packet query = framed(query_for("name", 7));
  client.send(Bytes{query}.first(5));  // cut as it may be
  world.settle();
  client.send(Bytes{query}.subspan(5));
  world.settle();
  EXPECT_EQ(client.received(), query);
  EXPECT_EQ(world.sockets.connects, 2u);
}

TEST_P(StackDnsTest, WithoutUpstreamsThePortsAreClosed) {
  StackWorld world;
  world.send(ask("name", 1));
  EXPECT_TRUE(world.take_one().is_icmp());
  sim::GuestTcp client{world, guest(), own()};
  client.connect();
  world.settle();
  EXPECT_TRUE(client.was_refused());
}

TEST_P(StackDnsTest, RemovedGuestTakesItsQueriesAlong) {
  StackWorld world{config()};
  world.internet.host(first().ip).is_silent = true;
  world.send(ask("name", 1));
  world.stack().remove_guest(kGuest);
  EXPECT_EQ(world.sockets.open_sockets, 0u);
  world.advance(10s);
  EXPECT_TRUE(world.take().empty());
}

TEST_P(StackDnsTest, ForwarderAndMappingsToPublicResolversAreApart) {
  StackWorld world{config()};
  const SocketAddress resolver{is_v4() ? IpAddress::v4(9, 9, 9, 9) : *IpAddress::parse("2620:fe::9"), 53};
  auto& upstream = world.internet.bind_udp(first());
  auto& open_resolver = world.internet.bind_udp(resolver);
  world.send(ask("mine", 1));
  world.send(sim::udp_packet(guest(), resolver, query_for("theirs", 2)));
  EXPECT_EQ(upstream.received().size(), 1u);
  ASSERT_EQ(open_resolver.received().size(), 1u);
  EXPECT_EQ(load_be<std::uint16_t>(open_resolver.received()[0].payload.data()), 2);
}

}  // namespace
}  // namespace wgr::slirp
