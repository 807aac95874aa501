// Echo through the loopback, where this kernel lets this user.
#include "core/egress/host_ping.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "core/wire/icmp.h"
#include "tests/core/egress/loopback.h"

namespace wgr::egress {
namespace {

constexpr SocketToken kToken = 5;

class HostPingTest : public LoopbackTest, public testing::WithParamInterface<Family> {
 protected:
  bool open() {
    auto opened = sockets_.open_ping(GetParam(), kToken);
    error_ = opened.error;
    socket_ = std::move(opened.socket);
    return socket_ != nullptr;
  }

  std::vector<std::uint8_t> request(std::uint16_t sequence) const {
    std::vector<std::uint8_t> message(64);
    message[0] = GetParam() == Family::kV4 ? wire::icmpv4::kEchoRequest : wire::icmpv6::kEchoRequest;
    store_be<std::uint16_t>(message.data() + 4, 0x1234);
    store_be<std::uint16_t>(message.data() + 6, sequence);
    for (std::size_t i = 8; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * 3);
    return message;
  }

  std::vector<DatagramIn> next_replies(PingSocket& socket) {
    std::vector<DatagramIn> replies;
    while (replies.empty()) {
      socket.watch_readable();
      if (next_news().token == kNobody) break;
      socket.receive(replies, 16);
    }
    return replies;
  }

  int error_ = 0;
  std::unique_ptr<PingSocket> socket_;
};

INSTANTIATE_TEST_SUITE_P(Families, HostPingTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

#define REQUIRE_PING()                                                                      \
  if (!open()) {                                                                            \
    EXPECT_TRUE(error_ == EACCES || error_ == EPERM) << error_;                             \
    GTEST_SKIP() << "neither net.ipv4.ping_group_range nor a capability permits ping here"; \
  }

TEST_P(HostPingTest, AReplyBringsBackSequenceAndData) {
  REQUIRE_PING();
  auto message = request(77);
  ASSERT_EQ(socket_->send(loopback_of(GetParam()), message, 64, 0), 0);

  const auto replies = next_replies(*socket_);

  ASSERT_EQ(replies.size(), 1u);
  const Bytes reply = replies[0].payload;
  EXPECT_EQ(replies[0].from, (SocketAddress{loopback_of(GetParam()), 0}));
  ASSERT_EQ(reply.size(), message.size());
  EXPECT_EQ(reply[0], GetParam() == Family::kV4 ? wire::icmpv4::kEchoReply : wire::icmpv6::kEchoReply);
  EXPECT_EQ(load_be<std::uint16_t>(reply.data() + 6), 77);
  EXPECT_TRUE(std::equal(reply.begin() + 8, reply.end(), message.begin() + 8));
  std::vector<DatagramIn> more;
  EXPECT_TRUE(socket_->receive(more, 16).would_block());
}

TEST_P(HostPingTest, TwoSocketsDoNotHearEachOther) {
  REQUIRE_PING();
  auto other = sockets_.open_ping(GetParam(), 6);
  ASSERT_EQ(other.error, 0);
  auto mine = request(1), theirs = request(2);
  ASSERT_EQ(socket_->send(loopback_of(GetParam()), mine, 64, 0), 0);
  ASSERT_EQ(other.socket->send(loopback_of(GetParam()), theirs, 64, 0), 0);

  const auto at_mine = next_replies(*socket_);
  ASSERT_EQ(at_mine.size(), 1u);
  EXPECT_EQ(load_be<std::uint16_t>(at_mine[0].payload.data() + 6), 1);
  news_.clear();
  const auto at_theirs = next_replies(*other.socket);
  ASSERT_EQ(at_theirs.size(), 1u);
  EXPECT_EQ(load_be<std::uint16_t>(at_theirs[0].payload.data() + 6), 2);
}

TEST_P(HostPingTest, ManyRequestsGetManyReplies) {
  REQUIRE_PING();
  for (std::uint16_t i = 0; i < 20; ++i) {
    auto message = request(i);
    ASSERT_EQ(socket_->send(loopback_of(GetParam()), message, static_cast<std::uint8_t>(1 + i), 0x20), 0);
  }
  std::vector<std::uint16_t> sequences;
  while (sequences.size() < 20) {
    const auto replies = next_replies(*socket_);
    if (replies.empty()) break;
    for (const DatagramIn& reply : replies)
      sequences.push_back(load_be<std::uint16_t>(reply.payload.data() + 6));
  }

  ASSERT_EQ(sequences.size(), 20u);
  for (std::uint16_t i = 0; i < 20; ++i) EXPECT_EQ(sequences[i], i);
}

TEST_P(HostPingTest, WhatIsNoRequestOrOfTheOtherFamilyIsRefused) {
  REQUIRE_PING();
  std::array<std::uint8_t, 7> runt{8};
  EXPECT_EQ(socket_->send(loopback_of(GetParam()), runt, 64, 0), EINVAL);
  auto message = request(1);
  const Family other = GetParam() == Family::kV4 ? Family::kV6 : Family::kV4;
  EXPECT_EQ(socket_->send(loopback_of(other), message, 64, 0), EINVAL);
}

}  // namespace
}  // namespace wgr::egress
