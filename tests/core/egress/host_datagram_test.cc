// UDP to real sockets of the loopback.
#include "core/egress/host_datagram.h"

#include <linux/errqueue.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "core/rng.h"
#include "tests/core/egress/loopback.h"

namespace wgr::egress {
namespace {

using Payload = std::vector<std::uint8_t>;

Payload pattern(std::size_t size, std::size_t seed) {
  Payload payload(size);
  std::iota(payload.begin(), payload.end(), static_cast<std::uint8_t>(seed * 37 + 1));
  return payload;
}

constexpr SocketToken kToken = 3;

class HostDatagramTest : public LoopbackTest, public testing::WithParamInterface<Family> {
 protected:
  HostDatagramTest() {
    auto opened = sockets_.open_udp(GetParam(), kToken, 0);
    EXPECT_EQ(opened.error, 0);
    socket_ = std::move(opened.socket);
    const int room = 4 * 1024 * 1024;
    setsockopt(remote_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }

  SocketAddress here() const { return {loopback_of(GetParam()), socket_->local_address().port}; }

  // Waits for news and takes what has come, until `count` datagrams are there.
  std::vector<Payload> receive(DatagramSocket& socket, std::size_t count) {
    std::vector<Payload> received;
    while (received.size() < count) {
      socket.watch_readable();
      if (next_news().token == kNobody) break;
      std::vector<DatagramIn> datagrams;
      socket.receive(datagrams, 64);
      for (const DatagramIn& datagram : datagrams)
        received.emplace_back(datagram.payload.begin(), datagram.payload.end());
    }
    return received;
  }

  std::vector<SocketError> next_errors() {
    std::vector<SocketError> errors;
    while (errors.empty()) {
      socket_->watch_readable();
      if (next_news().token == kNobody) break;
      std::vector<DatagramIn> datagrams;
      EXPECT_EQ(socket_->receive(datagrams, 16).bytes, 0u);
      socket_->receive_errors(errors);
    }
    return errors;
  }

  TestSocket remote_{GetParam(), SOCK_DGRAM};
  std::unique_ptr<DatagramSocket> socket_;
};

INSTANTIATE_TEST_SUITE_P(Families, HostDatagramTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(HostDatagramTest, RunsOfEqualAndMixedSizesArriveWholeAndInOrder) {
  std::vector<Payload> payloads;
  for (std::size_t size :
       {1200, 1200, 1200, 1200, 300, 1200, 1200, 0, 64, 64, 64, 65, 1, 0, 9000, 9000, 20, 20, 20}) {
    payloads.push_back(pattern(size, payloads.size()));
  }
  for (int i = 0; i < 100; ++i) payloads.push_back(pattern(100, payloads.size()));
  std::vector<DatagramOut> datagrams;
  for (const Payload& payload : payloads) datagrams.push_back({.to = remote_.address(), .payload = payload});

  const IoResult result = socket_->send(datagrams);

  EXPECT_EQ(result.error, 0);
  EXPECT_EQ(result.bytes, payloads.size());
  for (const Payload& payload : payloads) {
    SocketAddress from;
    EXPECT_EQ(remote_.receive_datagram(&from), payload);
    EXPECT_EQ(from, here());
  }
  EXPECT_EQ(sockets_.counters().udp_send_calls.value(), 1u) << "119 datagrams fit one call";
  EXPECT_EQ(sockets_.counters().udp_sent_datagrams.value(), payloads.size());
}

TEST_P(HostDatagramTest, WithoutSegmentationTheSameArrives) {
  dynamic_cast<HostDatagram&>(*socket_).disable_segmentation();
  std::vector<Payload> payloads;
  for (int i = 0; i < 150; ++i) payloads.push_back(pattern(1000, payloads.size()));
  std::vector<DatagramOut> datagrams;
  for (const Payload& payload : payloads) datagrams.push_back({.to = remote_.address(), .payload = payload});

  EXPECT_EQ(socket_->send(datagrams).bytes, payloads.size());

  for (const Payload& payload : payloads) EXPECT_EQ(remote_.receive_datagram(), payload);
  EXPECT_EQ(sockets_.counters().udp_send_calls.value(), 3u) << "64 per call";
}

// A segment larger than the path is refused as a run; one by one the host fragments it.
TEST_P(HostDatagramTest, ARunLargerThanThePathGoesOneByOne) {
  const Payload large = pattern(65000 - 1, 5);  // two do not fit one run, so make runs by hand below
  const Payload a = pattern(32000, 1), b = pattern(32000, 2);
  const std::vector<DatagramOut> datagrams{{.to = remote_.address(), .payload = a},
                                           {.to = remote_.address(), .payload = b},
                                           {.to = remote_.address(), .payload = large}};

  EXPECT_EQ(socket_->send(datagrams).bytes, 3u);

  EXPECT_EQ(remote_.receive_datagram(), a);
  EXPECT_EQ(remote_.receive_datagram(), b);
  EXPECT_EQ(remote_.receive_datagram(), large);
}

// A socket that leaves its checksums out is refused every run, by the word that older kernels have for a
// segment larger than its path too: over IPv4 one of 800 bytes may be that.
TEST_F(LoopbackTest, RunThatMayBeLargerThanItsPathSaysNothingAboutSmallerOnes) {
  TestSocket remote{Family::kV4, SOCK_DGRAM};
  io::Descriptor descriptor{socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
  const int on = 1;
  ASSERT_EQ(setsockopt(descriptor.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on), 0);
  Watcher watcher{context_, [](SocketToken, Ready) {}};
  Watcher::Watch watch = watcher.add(descriptor.get(), kToken, Watcher::Interest::kReadable).value();
  DatagramScratch scratch;
  HostSocketCounters counters;
  HostDatagram sender{std::move(descriptor), std::move(watch), Family::kV4, scratch, counters};
  const auto send_two = [&](std::size_t size) {
    const Payload payload = pattern(size, size);
    const DatagramOut datagram{.to = remote.address(), .payload = payload};
    EXPECT_EQ(sender.send(std::vector{datagram, datagram}).bytes, 2u);
    EXPECT_EQ(remote.receive_datagram(), payload);
    EXPECT_EQ(remote.receive_datagram(), payload);
    return counters.udp_segmentation_refused.value();
  };

  EXPECT_EQ(send_two(800), 1u);
  EXPECT_EQ(send_two(800), 1u) << "known to be too large";
  EXPECT_EQ(send_two(400), 2u) << "tried";
  EXPECT_EQ(send_two(300), 2u) << "the kernel cannot";
}

TEST_P(HostDatagramTest, OneCallServesManyRemotes) {
  std::vector<TestSocket> remotes;
  for (int i = 0; i < 5; ++i) remotes.emplace_back(GetParam(), SOCK_DGRAM);
  std::vector<Payload> payloads;
  for (std::size_t i = 0; i < 20; ++i) payloads.push_back(pattern(50, i));
  std::vector<DatagramOut> datagrams;
  for (std::size_t i = 0; i < 20; ++i)
    datagrams.push_back({.to = remotes[i % 5].address(), .payload = payloads[i]});

  EXPECT_EQ(socket_->send(datagrams).bytes, 20u);

  EXPECT_EQ(sockets_.counters().udp_send_calls.value(), 1u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(remotes[i % 5].receive_datagram(), payloads[i]);
}

TEST_P(HostDatagramTest, ReceivesWhatARunOfTheKernelMerged) {
  // A second socket of ours sends runs; GRO may hand them over merged.
  auto other = sockets_.open_udp(GetParam(), 4, 0);
  ASSERT_EQ(other.error, 0);
  std::vector<Payload> payloads;
  for (std::size_t size : {1000, 1000, 1000, 1000, 1000, 10, 500, 500, 500, 7, 7, 0, 1400}) {
    payloads.push_back(pattern(size, payloads.size()));
  }
  std::vector<DatagramOut> datagrams;
  for (const Payload& payload : payloads) datagrams.push_back({.to = here(), .payload = payload});
  EXPECT_EQ(other.socket->send(datagrams).bytes, payloads.size());

  EXPECT_EQ(receive(*socket_, payloads.size()), payloads);
  EXPECT_EQ(sockets_.counters().invalid_messages.value(), 0u);
}

TEST_P(HostDatagramTest, TellsWhoSentAndHowItWasMarked) {
  const int tos = 0x2e << 2 | 1;  // EF, ECT(1)
  setsockopt(remote_.get(), GetParam() == Family::kV4 ? IPPROTO_IP : IPPROTO_IPV6,
             GetParam() == Family::kV4 ? IP_TOS : IPV6_TCLASS, &tos, sizeof tos);
  remote_.send_datagram(here(), pattern(10, 0));
  socket_->watch_readable();
  EXPECT_EQ(next_news().token, kToken);

  std::vector<DatagramIn> datagrams;
  EXPECT_EQ(socket_->receive(datagrams, 64).bytes, 1u);

  ASSERT_EQ(datagrams.size(), 1u);
  EXPECT_EQ(datagrams[0].from, remote_.address());
  EXPECT_EQ(datagrams[0].tos, tos);
  EXPECT_TRUE(socket_->receive(datagrams, 64).would_block());
}

TEST_P(HostDatagramTest, TtlAndTosGoWithEachDatagram) {
  const bool is_v4 = GetParam() == Family::kV4;
  const int on = 1;
  setsockopt(remote_.get(), is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on,
             sizeof on);
  setsockopt(remote_.get(), is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_RECVTOS : IPV6_RECVTCLASS, &on,
             sizeof on);
  const Payload payload = pattern(20, 0);
  std::vector<DatagramOut> datagrams;
  for (const auto& [ttl, tos] : {std::pair{64, 0}, {9, 0}, {64, 0x48}, {255, 0xb8}, {1, 0}}) {
    datagrams.push_back({.to = remote_.address(),
                         .payload = payload,
                         .ttl = static_cast<std::uint8_t>(ttl),
                         .tos = static_cast<std::uint8_t>(tos)});
  }

  EXPECT_EQ(socket_->send(datagrams).bytes, datagrams.size());

  for (const DatagramOut& sent : datagrams) {
    std::array<std::uint8_t, 64> buffer;
    alignas(cmsghdr) std::array<std::uint8_t, 256> control;
    iovec vector{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ASSERT_EQ(recvmsg(remote_.get(), &message, 0), 20);
    int ttl = -1, tos = -1;
    io::for_each_control(message, [&](int, int type, Bytes data) {
      if (type == (is_v4 ? IP_TTL : IPV6_HOPLIMIT)) ttl = io::read_value<int>(data).value();
      if (type == (is_v4 ? IP_TOS : IPV6_TCLASS)) tos = data[0];
    });
    EXPECT_EQ(ttl, sent.ttl);
    EXPECT_EQ(tos, sent.tos);
  }
}

TEST_P(HostDatagramTest, ARefusedPortIsReportedWithItsDestination) {
  const SocketAddress closed = remote_.address();
  remote_.close();
  const Payload payload = pattern(40, 1);
  const DatagramOut datagram{.to = closed, .payload = payload};
  EXPECT_EQ(socket_->send({&datagram, 1}).error, 0);

  const std::vector<SocketError> errors = next_errors();

  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].error, ECONNREFUSED);
  EXPECT_EQ(errors[0].destination, closed);
  EXPECT_EQ(errors[0].offender.ip, loopback_of(GetParam()));
  EXPECT_FALSE(errors[0].is_local);
  EXPECT_EQ(errors[0].icmp_type, GetParam() == Family::kV4 ? 3 : 1);
  EXPECT_EQ(errors[0].icmp_code, GetParam() == Family::kV4 ? 3 : 4);
  EXPECT_TRUE(std::ranges::equal(errors[0].payload, payload));
}

// One dead remote of a mapping must not cost the datagrams to the others.
TEST_P(HostDatagramTest, AnErrorAboutOneRemoteDoesNotStopTheOthers) {
  TestSocket dead{GetParam(), SOCK_DGRAM};
  const SocketAddress closed = dead.address();
  dead.close();
  const Payload payload = pattern(40, 1);
  const DatagramOut to_dead{.to = closed, .payload = payload};
  const DatagramOut to_alive{.to = remote_.address(), .payload = payload};

  for (int i = 0; i < 20; ++i) {
    const std::vector<DatagramOut> both{to_dead, to_alive, to_dead, to_alive};
    const IoResult result = socket_->send(both);
    EXPECT_EQ(result.bytes, 4u);
    EXPECT_EQ(result.error, 0);
  }

  for (int i = 0; i < 40; ++i) EXPECT_EQ(remote_.receive_datagram(), payload);
  remote_.send_datagram(here(), payload);
  EXPECT_EQ(receive(*socket_, 1), std::vector<Payload>{payload});
}

TEST_P(HostDatagramTest, ErrorReportsAreReadToTheLast) {
  const SocketAddress closed = remote_.address();
  remote_.close();
  const Payload payload = pattern(8, 1);
  const DatagramOut datagram{.to = closed, .payload = payload};
  std::size_t sent = 0;
  std::size_t reported = 0;
  // ICMP is rate-limited per destination for some hosts, not for the loopback.
  for (; sent < 50; ++sent) EXPECT_EQ(socket_->send({&datagram, 1}).error, 0);
  while (reported < sent) {
    const std::size_t count = next_errors().size();
    if (count == 0) break;
    reported += count;
  }

  EXPECT_EQ(reported, sent);
}

TEST_P(HostDatagramTest, LargerThanAnyDatagramIsRefusedAndTheRestGoes) {
  const Payload monster(66000), small = pattern(10, 1);
  const std::vector<DatagramOut> datagrams{{.to = remote_.address(), .payload = small},
                                           {.to = remote_.address(), .payload = monster},
                                           {.to = remote_.address(), .payload = small}};

  const IoResult first = socket_->send(datagrams);
  EXPECT_EQ(first.bytes, 1u);
  EXPECT_EQ(first.error, EMSGSIZE);
  EXPECT_EQ(socket_->send(std::span{datagrams}.subspan(2)).bytes, 1u);

  EXPECT_EQ(remote_.receive_datagram(), small);
  EXPECT_EQ(remote_.receive_datagram(), small);
}

TEST_P(HostDatagramTest, TheFragmentationModeFollowsEachDatagram) {
  std::vector<Payload> payloads;
  std::vector<DatagramOut> datagrams;
  for (std::size_t i = 0; i < 40; ++i) payloads.push_back(pattern(200, i));
  for (std::size_t i = 0; i < 40; ++i) {
    datagrams.push_back({.to = remote_.address(), .payload = payloads[i], .dont_fragment = i % 10 < 5});
  }

  EXPECT_EQ(socket_->send(datagrams).bytes, 40u);

  for (const Payload& payload : payloads) EXPECT_EQ(remote_.receive_datagram(), payload);
  EXPECT_EQ(sockets_.counters().udp_send_calls.value(), 8u);
}

TEST_P(HostDatagramTest, ReceiveStopsAboutTheLimitAndTheRestIsNews) {
  for (std::size_t i = 0; i < 10; ++i) remote_.send_datagram(here(), pattern(100 + i, i));
  socket_->watch_readable();
  next_news();
  std::vector<DatagramIn> datagrams;
  EXPECT_EQ(socket_->receive(datagrams, 4).bytes, 4u);

  EXPECT_EQ(receive(*socket_, 6).size(), 6u);
}

TEST_P(HostDatagramTest, ThePreferredPortIsTakenIfItIsFree) {
  TestSocket probe{GetParam(), SOCK_DGRAM};
  const std::uint16_t port = probe.address().port;

  EXPECT_NE(sockets_.open_udp(GetParam(), 1, port).socket->local_address().port, port) << "in use";
  probe.close();
  EXPECT_EQ(sockets_.open_udp(GetParam(), 1, port).socket->local_address().port, port);
}

TEST_P(HostDatagramTest, TheOtherFamilyIsRefused) {
  const Payload payload = pattern(10, 0);
  const Family other = GetParam() == Family::kV4 ? Family::kV6 : Family::kV4;
  const DatagramOut datagram{.to = {loopback_of(other), 9}, .payload = payload};

  const IoResult result = socket_->send({&datagram, 1});

  EXPECT_EQ(result.bytes, 0u);
  EXPECT_NE(result.error, 0);
}

TEST_P(HostDatagramTest, RandomBatchesArriveWholeAndInOrder) {
  const std::uint64_t seed = Rng::from_kernel().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Rng rng{seed};
  auto sender = sockets_.open_udp(GetParam(), 9, 0);
  for (int round = 0; round < 100; ++round) {
    std::vector<Payload> payloads;
    std::vector<DatagramOut> datagrams;
    const std::size_t runs = 1 + rng.below(6);
    for (std::size_t run = 0; run < runs; ++run) {
      const std::size_t size = rng.below(1500);
      for (std::size_t count = 1 + rng.below(12); count > 0; --count)
        payloads.push_back(pattern(size, rng.below(256)));
    }
    for (const Payload& payload : payloads) datagrams.push_back({.to = here(), .payload = payload});
    ASSERT_EQ(sender.socket->send(datagrams).bytes, payloads.size());
    ASSERT_EQ(receive(*socket_, payloads.size()), payloads) << "round " << round;
  }
}

class HostDatagramV6Test : public HostDatagramTest {};

INSTANTIATE_TEST_SUITE_P(Family, HostDatagramV6Test, testing::Values(Family::kV6));

TEST_P(HostDatagramV6Test, TooLargeWithDontFragmentTellsTheMtu) {
  // The loopback carries packets of 64 KiB; IPv6 allows a payload that leaves no room for the headers.
  const Payload payload(65500);
  const DatagramOut datagram{.to = remote_.address(), .payload = payload, .dont_fragment = true};
  const IoResult result = socket_->send({&datagram, 1});

  EXPECT_EQ(result.error, EMSGSIZE);
  EXPECT_EQ(result.bytes, 0u);
  const std::vector<SocketError> errors = next_errors();
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors[0].error, EMSGSIZE);
  EXPECT_TRUE(errors[0].is_local);
  EXPECT_GE(errors[0].mtu, 1280u);
  EXPECT_EQ(errors[0].destination, remote_.address());
}

}  // namespace
}  // namespace wgr::egress
