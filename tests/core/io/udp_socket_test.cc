// On loopback: what goes in comes out, with and without the kernel's offloads.
#include "core/io/udp_socket.h"

#include <poll.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "gtest/gtest.h"

namespace wgr::io {
namespace {

using namespace std::chrono_literals;

constexpr Instant kNow{1h};

bool wait_readable(const UdpSocket& socket) {
  pollfd descriptor{socket.descriptor(), POLLIN, 0};
  return poll(&descriptor, 1, 2000) == 1;
}

// Splits what a socket received into single datagrams, until `count` came or nothing more does.
std::vector<std::vector<std::uint8_t>> receive_all(UdpSocket& socket, std::size_t count) {
  std::vector<std::vector<std::uint8_t>> datagrams;
  while (datagrams.size() < count && wait_readable(socket)) {
    for (const auto& received : socket.receive()) {
      for (std::size_t begin = 0; begin < received.bytes.size(); begin += received.segment_size) {
        const auto part =
            received.bytes.subspan(begin, std::min(received.segment_size, received.bytes.size() - begin));
        datagrams.emplace_back(part.begin(), part.end());
      }
    }
  }
  return datagrams;
}

struct Case {
  const char* name;
  bool with_offloads;
  bool is_v6;
};

class UdpSocketTest : public testing::TestWithParam<Case> {
 protected:
  UdpSocketTest() {
    const char* const loopback = GetParam().is_v6 ? "::1" : "127.0.0.1";
    const SocketAddress any_port{*IpAddress::parse(loopback), 0};
    sender_.emplace(any_port, false);
    receiver_.emplace(any_port, false);
    if (!GetParam().with_offloads) {
      sender_->disable_offloads();
      receiver_->disable_offloads();
    }
  }

  std::optional<UdpSocket> sender_;
  std::optional<UdpSocket> receiver_;
};

TEST_P(UdpSocketTest, RunsOfEqualAndMixedSizesArriveWhole) {
  DatagramBatch batch;
  const Endpoint to = Endpoint::udp(receiver_->local_address());
  std::vector<std::vector<std::uint8_t>> expected;
  for (std::size_t size : {1452, 1452, 1452, 1452, 700, 96, 1452, 1452, 1, 64, 64, 64}) {
    std::vector<std::uint8_t> payload(size);
    std::iota(payload.begin(), payload.end(), static_cast<std::uint8_t>(expected.size()));
    const MutableBytes room = batch.append(to, size);
    std::copy(payload.begin(), payload.end(), room.begin());
    expected.push_back(std::move(payload));
  }
  EXPECT_LT(batch.runs().size(), expected.size());

  sender_->send(batch.runs(), kNow);

  EXPECT_EQ(receive_all(*receiver_, expected.size()), expected);
  EXPECT_EQ(sender_->counters().sent_datagrams.value(), expected.size());
  EXPECT_EQ(receiver_->counters().received_datagrams.value(), expected.size());
  EXPECT_EQ(sender_->counters().send_errors.value(), 0u);
}

TEST_P(UdpSocketTest, AnswerLeavesFromTheAddressThatWasHit) {
  DatagramBatch batch;
  batch.append(Endpoint::udp(receiver_->local_address()), 100);
  sender_->send(batch.runs(), kNow);
  ASSERT_TRUE(wait_readable(*receiver_));
  const auto received = receiver_->receive();
  ASSERT_EQ(received.size(), 1u);

  EXPECT_EQ(received[0].from.remote, sender_->local_address());
  EXPECT_EQ(received[0].from.local, receiver_->local_address().ip);
}

// An address that is not ours must not stop the traffic.
TEST_P(UdpSocketTest, StaleSourceAddressFallsBackToTheKernelsChoice) {
  DatagramBatch batch;
  Endpoint to = Endpoint::udp(receiver_->local_address());
  to.local = *IpAddress::parse(GetParam().is_v6 ? "2001:db8::77" : "203.0.113.77");
  batch.append(to, 100);
  batch.append(to, 100);
  sender_->send(batch.runs(), kNow);

  EXPECT_EQ(receive_all(*receiver_, 2).size(), 2u);
}

// The kernel segments nothing that is larger than the path, but fragments single datagrams.
TEST(UdpSocketPathTest, RunLargerThanThePathArrivesAndOthersStayRuns) {
  const SocketAddress any_port{*IpAddress::parse("::1"), 0};
  UdpSocket sender{any_port, false};
  UdpSocket receiver{any_port, false};
  if (!sender.has_gso()) GTEST_SKIP() << "no UDP_SEGMENT";
  const int path_mtu = 1280;
  ASSERT_EQ(setsockopt(sender.descriptor(), IPPROTO_IPV6, IPV6_MTU, &path_mtu, sizeof path_mtu), 0);
  DatagramBatch batch;
  Endpoint to = Endpoint::udp(receiver.local_address());
  to.local = any_port.ip;
  for (int i = 0; i < 3; ++i) std::ranges::fill(batch.append(to, 1452), std::uint8_t{7});
  sender.send(batch.runs(), kNow);

  EXPECT_EQ(receive_all(receiver, 3).size(), 3u);
  EXPECT_EQ(sender.counters().send_errors.value(), 0u);
  EXPECT_TRUE(sender.may_segment(kNow));
}

// A socket that leaves its checksums out is refused every run, like one whose device cannot segment.
class UdpSocketRefusalTest : public testing::Test {
 protected:
  UdpSocketRefusalTest() { set_without_checksums(1); }

  void set_without_checksums(int value) {
    EXPECT_EQ(setsockopt(sender_.descriptor(), SOL_SOCKET, SO_NO_CHECK, &value, sizeof value), 0);
  }
  // Sends a run of three. Returns in how many calls it left.
  std::uint64_t send(const Endpoint& to, std::size_t size, Instant now) {
    const std::uint64_t before = sender_.counters().send_calls.value();
    DatagramBatch batch;
    for (int i = 0; i < 3; ++i) std::ranges::fill(batch.append(to, size), std::uint8_t{7});
    sender_.send(batch.runs(), now);
    return sender_.counters().send_calls.value() - before;
  }

  const SocketAddress any_port_{IpAddress::v4(127, 0, 0, 1), 0};
  UdpSocket sender_{any_port_, false};
  UdpSocket receiver_{any_port_, false};
  const Endpoint to_ = Endpoint::udp(receiver_.local_address());
};

TEST_F(UdpSocketRefusalTest, RunsLeaveByPlainCallsForAMinuteAndAreTriedAgain) {
  if (!sender_.has_gso()) GTEST_SKIP() << "no UDP_SEGMENT";
  EXPECT_EQ(send(to_, 400, kNow), 2u);
  EXPECT_FALSE(sender_.may_segment(kNow + 59s));
  EXPECT_EQ(send(to_, 400, kNow + 59s), 1u);

  set_without_checksums(0);
  EXPECT_TRUE(sender_.may_segment(kNow + 60s));
  EXPECT_EQ(send(to_, 400, kNow + 60s), 1u);
  EXPECT_TRUE(sender_.may_segment(kNow + 60s));
  EXPECT_EQ(receive_all(receiver_, 9).size(), 9u);
  EXPECT_EQ(sender_.counters().send_errors.value(), 0u);
}

// Anyone may tell the kernel, by a forged ICMP message, that a path over IPv4 takes 552 bytes.
TEST_F(UdpSocketRefusalTest, SegmentThatMayBeLargerThanItsPathCostsTheOthersNothing) {
  if (!sender_.has_gso()) GTEST_SKIP() << "no UDP_SEGMENT";
  EXPECT_EQ(send(to_, 1200, kNow), 2u);

  EXPECT_TRUE(sender_.may_segment(kNow));
  EXPECT_EQ(receive_all(receiver_, 3).size(), 3u);
}

// From the loopback nothing leaves the host: refused with EINVAL, whether segmented or not.
TEST_F(UdpSocketRefusalTest, EndpointThatThisAddressDoesNotReachCostsTheOthersNothing) {
  if (!sender_.has_gso()) GTEST_SKIP() << "no UDP_SEGMENT";
  set_without_checksums(0);
  send(Endpoint::udp({IpAddress::v4(192, 0, 2, 1), 9}), 100, kNow);

  EXPECT_EQ(sender_.counters().send_errors.value(), 3u);
  EXPECT_TRUE(sender_.may_segment(kNow));
}

INSTANTIATE_TEST_SUITE_P(Families, UdpSocketTest,
                         testing::Values(Case{"V4Offloads", true, false}, Case{"V4Plain", false, false},
                                         Case{"V6Offloads", true, true}, Case{"V6Plain", false, true}),
                         [](const auto& info) { return info.param.name; });

TEST(UdpSocketGroupTest, MessagesReachTheSocketTheirIndexNames) {
  UdpSocket first{SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}, true};
  const SocketAddress shared = first.local_address();
  UdpSocket second{shared, true};
  UdpSocket third{shared, true};
  steer_by_index(first);
  UdpSocket sender{SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}, false};

  DatagramBatch batch;
  for (std::uint8_t worker : {2, 0, 1, 2}) {
    const MutableBytes data = batch.append(Endpoint::udp(shared), 32);
    std::fill(data.begin(), data.end(), std::uint8_t{0});
    data[0] = 4;
    data[4] = worker;
  }
  const MutableBytes response = batch.append(Endpoint::udp(shared), 92);
  std::fill(response.begin(), response.end(), std::uint8_t{0});
  response[0] = 2;
  response[8] = 1;
  sender.disable_offloads();  // a coalesced run travels whole
  sender.send(batch.runs(), kNow);

  EXPECT_EQ(receive_all(first, 1).size(), 1u);
  EXPECT_EQ(receive_all(second, 2).size(), 2u);
  EXPECT_EQ(receive_all(third, 2).size(), 2u);
}

TEST(UdpSocketBindTest, BusyPortIsAnErrorThatNamesIt) {
  UdpSocket holder{SocketAddress{IpAddress::v4(127, 0, 0, 1), 0}, false};
  try {
    UdpSocket second{holder.local_address(), false};
    FAIL() << "bound twice";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find(holder.local_address().to_string()), std::string::npos);
  }
}

}  // namespace
}  // namespace wgr::io
