// What one turn brings for a dial, and what of it may be dropped.
#include <cerrno>
#include <string>

#include "gtest/gtest.h"

#include "tests/ws/wireguard/dialer_world.h"

namespace wgr::ws::wireguard {
namespace {

constexpr std::size_t kDatagram = 1452;

class DialerQueueTest : public DialerTest {
 protected:
  // In one turn: nothing is flushed between.
  void send_in_one_turn(SessionId session, std::size_t bytes) {
    const std::string datagram(kDatagram, 'x');
    for (; sent_ * kDatagram < bytes; ++sent_) EXPECT_TRUE(dialer().send(session, bytes_of(datagram), now_));
  }

  std::size_t sent_ = 0;
};

TEST_F(DialerQueueTest, MoreThanTheQueueHoldsInOneTurnIsNotDroppedWhileTheSocketTakesIt) {
  EchoServer server{internet_, {ip_, 80}, nullptr, /*send_buffer=*/4 * 1024 * 1024};
  const SessionId session = dial("ws://198.51.100.7");
  send_in_one_turn(session, 2 * settings_.limits.queue_bytes);
  settle();

  EXPECT_EQ(server.messages.size(), sent_);
  EXPECT_EQ(counters_.datagrams_dropped.value(), 0u);
}

TEST_F(DialerQueueTest, TheSameBehindTls) {
  CertificateFolder folder;
  const TlsFiles files = folder.make();
  settings_.tls = TlsContext::for_client(files.certificate, /*verify=*/true);
  EchoServer server{internet_, {ip_, 443}, TlsContext::for_server(files), /*send_buffer=*/4 * 1024 * 1024};
  names_["localhost"] = {ip_};
  const SessionId session = dial("wss://localhost/wg");
  send_in_one_turn(session, 2 * settings_.limits.queue_bytes);
  settle();

  EXPECT_EQ(server.messages.size(), sent_);
  EXPECT_EQ(counters_.datagrams_dropped.value(), 0u);
}

TEST_F(DialerQueueTest, WhatTheSocketHasNoRoomForIsDroppedOldestFirstAndCounted) {
  EchoServer server{internet_, {ip_, 80}, nullptr, /*send_buffer=*/64 * 1024};
  const SessionId session = dial("ws://198.51.100.7");
  send_in_one_turn(session, 2 * settings_.limits.queue_bytes);
  EXPECT_TRUE(dialer().send(session, bytes_of("newest"), now_));
  settle();

  EXPECT_GT(counters_.datagrams_dropped.value(), 0u);
  EXPECT_EQ(server.messages.size() + counters_.datagrams_dropped.value(), sent_ + 1);
  ASSERT_FALSE(server.messages.empty());
  EXPECT_EQ(server.messages.back(), "newest");
}

// A write that fails ends the connection and frees its memory: the datagrams under the sink's eyes are of it.
TEST_F(DialerQueueTest, AnswersFromInsideTheSinkWaitUntilItIsDoneWithItsDatagrams) {
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dial("ws://198.51.100.7");
  std::size_t echoed = 0;
  sink_.on_datagrams = [&](SessionId from, std::span<const MutableBytes> datagrams) {
    if (echoed > 0) return;
    server.stream->reset();  // every write fails from here on
    internet_.run_until(now_);
    for (int i = 0; i < 4; ++i) {
      for (const MutableBytes datagram : datagrams) EXPECT_TRUE(dialer().send(from, datagram, now_));
    }
    for (const MutableBytes datagram : datagrams) echoed += datagram.size();
  };
  send(session, std::string(60'000, 'x'));
  settle();

  EXPECT_EQ(echoed, 60'000u);
  EXPECT_FALSE(dialer().is_open(session));
}

}  // namespace
}  // namespace wgr::ws::wireguard
