// The names the router knows, protection against rebinding, and questions of the router itself, through the
// whole stack.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "core/wire/dns.h"
#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;
using sim::Packet;
using sim::StackWorld;
using wire::DnsRcode;
using wire::DnsView;

const SocketAddress kUpstream{IpAddress::v4(192, 168, 0, 53), 53};
const SocketAddress kGuestPort{IpAddress::v4(10, 0, 0, 2), 5353};
const SocketAddress kOwn{IpAddress::v4(10, 0, 0, 1), 53};

Packet query_for(std::string_view name, std::uint16_t id) {
  return wire::write_dns_query(id, *wire::DnsName::parse(name), wire::DnsType::kA);
}

Packet answer_with(Bytes query, const IpAddress& address) {
  const wire::DnsRecord record{.type = wire::DnsType::kA, .data = address.bytes()};
  return wire::write_dns_answer(*DnsView::parse(query), DnsRcode::kNoError, {&record, 1}, 60, 1232);
}

Packet framed(const Packet& message) {
  Packet bytes(2 + message.size());
  store_be(bytes.data(), static_cast<std::uint16_t>(message.size()));
  std::copy(message.begin(), message.end(), bytes.begin() + 2);
  return bytes;
}

class StackDnsNamesTest : public testing::Test {
 protected:
  static Config config() {
    Config config = StackWorld::default_config();
    config.dns.upstreams = {kUpstream};
    return config;
  }
  void know_names(StackWorld& world) const {
    auto names = std::make_shared<DnsNames>();
    names->add_domain("lan");
    names->add("box.lan", {box_});
    world.stack().set_dns_names(names);
  }
  static Packet ask(std::string_view name, std::uint16_t id) {
    return sim::udp_packet(kGuestPort, kOwn, query_for(name, id));
  }
  // An upstream over TCP that answers each whole query with `address`.
  static void serve_tcp(StackWorld& world, IpAddress address) {
    world.internet.listen(kUpstream).on_accept = [address](sim::RemoteStream& stream) {
      stream.on_data = [address](sim::RemoteStream& s, Bytes bytes) {
        s.send(framed(answer_with(bytes.subspan(2), address)));
      };
    };
  }

  const IpAddress box_ = IpAddress::v4(10, 86, 1, 20);
  const IpAddress public_ = IpAddress::v4(93, 184, 216, 34);
};

TEST_F(StackDnsNamesTest, KnownNamesAreAnsweredAndNeverForwarded) {
  StackWorld world{config()};
  know_names(world);
  auto& upstream = world.internet.bind_udp(kUpstream);
  world.send({ask("box.lan", 1), ask("nobody.lan", 2)});
  std::vector<sim::GuestPacket> replies = world.take();

  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(DnsView::parse(replies[0].udp().payload())->answer_count(), 1);
  EXPECT_EQ(DnsView::parse(replies[1].udp().payload())->rcode(), DnsRcode::kNxDomain);
  EXPECT_TRUE(upstream.received().empty());
  EXPECT_EQ(world.counters().dns_own_answers.value(), 2u);
  world.stack().set_dns_names(nullptr);
  world.send(ask("box.lan", 3));
  EXPECT_EQ(upstream.received().size(), 1u);
}

TEST_F(StackDnsNamesTest, KnownNamesNeedNoUpstream) {
  StackWorld world;
  know_names(world);
  world.send({ask("box.lan", 1), ask("example.com", 2)});
  std::vector<sim::GuestPacket> replies = world.take();

  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(DnsView::parse(replies[0].udp().payload())->answer_count(), 1);
  EXPECT_EQ(DnsView::parse(replies[1].udp().payload())->rcode(), DnsRcode::kServFail);
}

TEST_F(StackDnsNamesTest, OverTcpKnownNamesAreAnsweredBetweenThoseOfTheUpstream) {
  StackWorld world{config()};
  know_names(world);
  serve_tcp(world, public_);
  sim::GuestTcp client{world, kGuestPort, kOwn};
  client.connect();
  const Packet own = query_for("box.lan", 1);
  const Packet foreign = query_for("example.com", 2);
  client.send(framed(own));
  world.settle();
  EXPECT_EQ(client.received().size(), framed(answer_with(own, box_)).size());
  client.send(framed(foreign));
  world.settle();

  const Packet second = framed(answer_with(foreign, public_));
  ASSERT_GT(client.received().size(), second.size());
  EXPECT_TRUE(
      std::equal(second.begin(), second.end(), client.received().end() - static_cast<long>(second.size())));
  client.finish();
  world.settle();
  EXPECT_EQ(world.counters().dns_own_answers.value(), 1u);
}

TEST_F(StackDnsNamesTest, OverTcpWhoAsksWithoutReadingIsTakenNoMoreFromAndReset) {
  StackWorld world{config()};
  know_names(world);
  serve_tcp(world, public_);
  sim::GuestTcp client{world, kGuestPort, kOwn};
  client.connect();
  world.settle();
  client.pause_reading();
  const Packet query = framed(query_for("box.lan", 1));
  constexpr int kQueries = 40000;
  for (int i = 0; i < kQueries; ++i) {
    client.send(query);
    if (i % 1000 == 0) world.advance(10ms);
  }
  world.advance(1min);
  EXPECT_LT(world.counters().dns_own_answers.value(), static_cast<std::uint64_t>(kQueries));

  client.resume_reading();
  world.advance(1min);
  EXPECT_TRUE(client.was_reset());
  EXPECT_EQ(world.sockets.open_sockets, 0u);
}

TEST_F(StackDnsNamesTest, PrivateAnswersAreRefusedOverUdpAndTcp) {
  Config protected_config = config();
  protected_config.dns.rebind_protection = true;
  StackWorld world{protected_config};
  serve_tcp(world, box_);
  auto& upstream = world.internet.bind_udp(kUpstream);
  upstream.on_datagram = [this](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, answer_with(datagram.payload, box_));
  };
  world.send(ask("attacker.example", 7));
  sim::GuestPacket reply = world.take_one();
  EXPECT_EQ(DnsView::parse(reply.udp().payload())->rcode(), DnsRcode::kRefused);
  EXPECT_EQ(DnsView::parse(reply.udp().payload())->id(), 7);

  sim::GuestTcp client{world, kGuestPort, kOwn};
  client.connect();
  client.send(framed(query_for("attacker.example", 8)));
  world.settle();
  ASSERT_GT(client.received().size(), 14u);
  EXPECT_EQ(DnsView::parse(Bytes{client.received()}.subspan(2))->rcode(), DnsRcode::kRefused);
  EXPECT_EQ(world.drops(DropReason::kDnsRebind), 2u);
}

TEST_F(StackDnsNamesTest, TheRoutersOwnQuestionsAreAnsweredUnderTheirNumber) {
  StackWorld world{config()};
  know_names(world);
  auto& upstream = world.internet.bind_udp(kUpstream);
  upstream.on_datagram = [this](sim::UdpRemote& self, const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, answer_with(datagram.payload, public_));
  };
  Stack& stack = world.stack();
  stack.ask_dns(1, query_for("example.com", 0), world.now);
  stack.ask_dns(2, query_for("example.com", 0), world.now);
  stack.ask_dns(3, query_for("box.lan", 9), world.now);
  stack.ask_dns(4, Packet(5), world.now);
  stack.ask_dns(5, Packet(12), world.now);  // no question
  world.settle();
  std::map<std::uint64_t, Packet> answers;
  for (DnsAnswer& answer : stack.take_dns_answers()) answers[answer.question] = std::move(answer.message);

  ASSERT_EQ(answers.size(), 5u);
  EXPECT_EQ(answers[1], answers[2]);
  EXPECT_EQ(DnsView::parse(answers[1])->id(), 0);
  EXPECT_EQ(DnsView::parse(answers[1])->answer_count(), 1);
  EXPECT_EQ(DnsView::parse(answers[3])->answer_count(), 1);
  EXPECT_TRUE(answers[4].empty());
  EXPECT_EQ(DnsView::parse(answers[5])->rcode(), DnsRcode::kFormErr);
  EXPECT_TRUE(world.take().empty());
  EXPECT_TRUE(stack.take_dns_answers().empty());
  EXPECT_EQ(world.counters().dns_outstanding.value(), 0);
}

// A client with many connections asks for a name that nobody answers.
TEST_F(StackDnsNamesTest, WhoAsksOverHttpsLeavesRoomForOthersAndForGuests) {
  Config capped = config();
  capped.dns.outstanding = 40;
  capped.dns.outstanding_per_guest = 4;
  StackWorld world{capped};
  world.internet.host(kUpstream.ip).is_silent = true;
  Stack& stack = world.stack();
  std::uint64_t question = 0;
  const auto waiting_after = [&](const IpAddress& source) {
    for (int i = 0; i < 20; ++i) stack.ask_dns(++question, query_for("dead.example", 0), world.now, source);
    return world.counters().dns_outstanding.value();
  };
  EXPECT_EQ(waiting_after(IpAddress::v4(203, 0, 113, 1)), 4);
  EXPECT_EQ(waiting_after(*IpAddress::parse("2001:db8::1")), 8);
  EXPECT_EQ(waiting_after(*IpAddress::parse("2001:db8::2")), 8) << "of the same network";
  EXPECT_EQ(waiting_after(IpAddress::v4(203, 0, 113, 2)), 10) << "a quarter of all";
  EXPECT_EQ(stack.take_dns_answers().size(), 70u) << "the others are told at once";
  world.take();
  world.advance(3s);
  EXPECT_EQ(stack.take_dns_answers().size(), 10u);
  EXPECT_EQ(waiting_after(IpAddress::v4(203, 0, 113, 1)), 4) << "what has ended does not count";
}

TEST_F(StackDnsNamesTest, TheRoutersOwnQuestionsAreCappedAndFailAsAGuestsDo) {
  Config capped = config();
  capped.dns.outstanding = 1;
  StackWorld world{capped};
  world.internet.host(kUpstream.ip).is_silent = true;
  Stack& stack = world.stack();
  stack.ask_dns(1, query_for("example.com", 5), world.now);
  stack.ask_dns(1, query_for("example.com", 5), world.now);  // again
  stack.ask_dns(2, query_for("example.com", 6), world.now);
  std::vector<DnsAnswer> answers = stack.take_dns_answers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].question, 2u);
  EXPECT_EQ(DnsView::parse(answers[0].message)->rcode(), DnsRcode::kServFail);
  EXPECT_EQ(world.counters().dns_repeated.value(), 1u);

  world.advance(3s);
  answers = stack.take_dns_answers();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].question, 1u);
  EXPECT_EQ(DnsView::parse(answers[0].message)->id(), 5);
  EXPECT_EQ(DnsView::parse(answers[0].message)->rcode(), DnsRcode::kServFail);
}

// --- truncated answers ---

class TruncatedTest : public StackDnsNamesTest {
 protected:
  // Over UDP every answer says: ask over TCP.
  static void truncate(StackWorld& world, const SocketAddress& upstream = kUpstream) {
    world.internet.bind_udp(upstream).on_datagram = [](sim::UdpRemote& self,
                                                       const sim::ReceivedDatagram& datagram) {
      Packet reply(wire::kDnsMaxShortReply);
      reply.resize(wire::write_dns_reply(reply, *DnsView::parse(datagram.payload), DnsRcode::kNoError,
                                         wire::DnsTruncation::kTruncated));
      self.send(datagram.from, reply);
    };
  }
  // An upstream that waits for the whole query, however it comes.
  static void serve_pieces(StackWorld& world, IpAddress address) {
    world.internet.listen(kUpstream).on_accept = [address](sim::RemoteStream& stream) {
      stream.on_data = [address](sim::RemoteStream& s, Bytes) {
        const Bytes all = s.received();
        if (all.size() < 2 || all.size() < std::size_t{2} + load_be<std::uint16_t>(all.data())) return;
        s.send(framed(answer_with(all.subspan(2), address)));
      };
    };
  }
  static Packet answer_of(StackWorld& world) {
    std::vector<DnsAnswer> answers = world.stack().take_dns_answers();
    EXPECT_EQ(answers.size(), 1u);
    EXPECT_EQ(world.counters().dns_outstanding.value(), 0);
    EXPECT_EQ(world.sockets.open_sockets, 0u);
    return answers.empty() ? Packet{} : std::move(answers[0].message);
  }
};

TEST_F(TruncatedTest, TheRoutersOwnQuestionIsAskedAgainOverTcp) {
  for (const std::size_t bytes_per_call : {std::size_t{1}, std::size_t{1000}}) {
    StackWorld world{config()};
    world.sockets.max_bytes_per_call = bytes_per_call;
    truncate(world);
    serve_pieces(world, public_);
    world.stack().ask_dns(1, query_for("example.com", 77), world.now);
    world.settle();
    const Packet answer = answer_of(world);
    EXPECT_EQ(answer, answer_with(query_for("example.com", 77), public_));
    EXPECT_EQ(world.counters().dns_truncated.value(), 1u);
    EXPECT_EQ(world.counters().dns_answers.value(), 1u);
  }
}

TEST_F(TruncatedTest, ThatAnswerIsProtectedFromRebindingToo) {
  Config protected_config = config();
  protected_config.dns.rebind_protection = true;
  StackWorld world{protected_config};
  truncate(world);
  serve_tcp(world, box_);
  world.stack().ask_dns(1, query_for("attacker.example", 7), world.now);
  world.settle();
  EXPECT_EQ(DnsView::parse(answer_of(world))->rcode(), DnsRcode::kRefused);
}

TEST_F(TruncatedTest, AnUpstreamWithoutTcpIsPassedOver) {
  const SocketAddress second{IpAddress::v4(192, 168, 0, 54), 53};
  Config two = config();
  two.dns.upstreams.push_back(second);
  StackWorld world{two};
  truncate(world);
  world.internet.bind_udp(second).on_datagram = [this](sim::UdpRemote& self,
                                                       const sim::ReceivedDatagram& datagram) {
    self.send(datagram.from, answer_with(datagram.payload, public_));
  };
  world.stack().ask_dns(1, query_for("example.com", 7), world.now);
  world.settle();
  EXPECT_EQ(answer_of(world), answer_with(query_for("example.com", 7), public_));
}

TEST_F(TruncatedTest, SilenceNonsenseAndAnEarlyEndOverTcpAreFailures) {
  const std::function<void(sim::RemoteStream&, Bytes)> faults[] = {
      [](sim::RemoteStream&, Bytes) {},
      [](sim::RemoteStream& stream, Bytes) { stream.send(framed(Packet(12, 1))); },
      [](sim::RemoteStream& stream, Bytes query) {
        const Packet reply = framed(answer_with(query.subspan(2), IpAddress::v4(1, 1, 1, 1)));
        stream.send(Bytes{reply}.first(20));
        stream.finish();
      },
      [](sim::RemoteStream& stream, Bytes) { stream.reset(); },
  };
  for (const auto& fault : faults) {
    StackWorld world{config()};
    truncate(world);
    world.internet.listen(kUpstream).on_accept = [&fault](sim::RemoteStream& stream) {
      stream.on_data = fault;
    };
    world.stack().ask_dns(1, query_for("example.com", 7), world.now);
    world.advance(3s);
    EXPECT_EQ(DnsView::parse(answer_of(world))->rcode(), DnsRcode::kServFail);
  }
}

TEST_F(TruncatedTest, AGuestIsToldAndAsksItself) {
  StackWorld world{config()};
  truncate(world);
  world.send(ask("example.com", 7));
  EXPECT_TRUE(DnsView::parse(world.take_one().udp().payload())->is_truncated());
  EXPECT_EQ(world.counters().dns_truncated.value(), 0u);
  EXPECT_EQ(world.sockets.connects, 0u);
}

}  // namespace
}  // namespace wgr::slirp
