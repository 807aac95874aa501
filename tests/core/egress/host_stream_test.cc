// TCP to real sockets of the loopback.
#include "core/egress/host_stream.h"

#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/egress/loopback.h"

namespace wgr::egress {
namespace {

constexpr SocketToken kToken = 7;
constexpr Ready kReadable{.readable = true, .writable = false};
constexpr Ready kWritable{.readable = false, .writable = true};
constexpr Ready kBoth{.readable = true, .writable = true};

IoResult read_into(StreamSocket& stream, std::vector<std::uint8_t>& buffer) {
  const iovec vector{buffer.data(), buffer.size()};
  return stream.read({&vector, 1});
}

IoResult write_text(StreamSocket& stream, std::string_view text) {
  const iovec vector{const_cast<char*>(text.data()), text.size()};
  return stream.write({&vector, 1});
}

class HostStreamTest : public LoopbackTest {
 protected:
  HostStreamTest() { EXPECT_EQ(listen(listener_.get(), 16), 0); }

  // Connected, with the other end in remote_.
  std::unique_ptr<StreamSocket> connected(SocketToken token = kToken) {
    auto opened = sockets_.connect(listener_.address(), token, {});
    EXPECT_EQ(opened.error, 0);
    opened.socket->watch(kWritable);
    EXPECT_EQ(next_news().token, token);
    EXPECT_EQ(opened.socket->connect_result(), 0);
    remote_ = listener_.accept();
    return std::move(opened.socket);
  }

  TestSocket listener_{Family::kV4, SOCK_STREAM};
  TestSocket remote_{-1};
};

TEST_F(HostStreamTest, ConnectsAndCarriesBytesBothWays) {
  const auto stream = connected();

  EXPECT_EQ(write_text(*stream, "hello").bytes, 5u);
  std::array<char, 16> received{};
  EXPECT_EQ(recv(remote_.get(), received.data(), received.size(), 0), 5);
  EXPECT_EQ(std::string_view(received.data(), 5), "hello");

  EXPECT_EQ(send(remote_.get(), "world!", 6, 0), 6);
  stream->watch(kReadable);
  EXPECT_TRUE(next_news().ready.readable);
  std::vector<std::uint8_t> buffer(64);
  const IoResult result = read_into(*stream, buffer);
  EXPECT_EQ(std::string(buffer.begin(), buffer.begin() + 6), "world!");
  EXPECT_EQ(result.bytes, 6u);
  EXPECT_FALSE(result.is_end);
  EXPECT_TRUE(read_into(*stream, buffer).would_block());
}

TEST_F(HostStreamTest, ConnectsOverIpv6) {
  TestSocket listener{Family::kV6, SOCK_STREAM};
  ASSERT_EQ(listen(listener.get(), 1), 0);

  const auto opened = sockets_.connect(listener.address(), kToken, {.ttl = 9, .tos = 0x10});

  ASSERT_EQ(opened.error, 0);
  opened.socket->watch(kWritable);
  EXPECT_EQ(next_news().token, kToken);
  EXPECT_EQ(opened.socket->connect_result(), 0);
}

// Bug B7 of the program users come from: a dead host looked connected.
TEST_F(HostStreamTest, ARefusedConnectSaysSo) {
  const SocketAddress nobody = listener_.address();
  listener_.close();

  const auto opened = sockets_.connect(nobody, kToken, {});

  if (opened.error == 0) {
    opened.socket->watch(kWritable);
    EXPECT_TRUE(next_news().ready.writable);
    EXPECT_EQ(opened.socket->connect_result(), ECONNREFUSED);
    EXPECT_EQ(opened.socket->connect_result(), ECONNREFUSED) << "the answer must not change";
  } else {
    EXPECT_EQ(opened.error, ECONNREFUSED);
  }
}

TEST_F(HostStreamTest, AConnectThatHangsIsInProgress) {
  // The listener's queue is full: the kernel answers no further SYN.
  TestSocket full{Family::kV4, SOCK_STREAM};
  ASSERT_EQ(listen(full.get(), 0), 0);
  std::vector<std::unique_ptr<StreamSocket>> streams;
  for (SocketToken token = 0; token < 4; ++token) {
    auto opened = sockets_.connect(full.address(), token, {});
    ASSERT_EQ(opened.error, 0);
    streams.push_back(std::move(opened.socket));
  }

  EXPECT_EQ(streams.front()->connect_result(), 0);
  EXPECT_EQ(streams.back()->connect_result(), EINPROGRESS);
  streams.back()->watch(kBoth);
  settle();
  EXPECT_TRUE(news_.empty());
}

// Bug B8: a cancelled and repeated dial made the server accept twice.
TEST_F(HostStreamTest, OneConnectIsOneConnection) {
  const auto stream = connected();

  pollfd listener{listener_.get(), POLLIN, 0};
  EXPECT_EQ(poll(&listener, 1, 0), 0);
}

TEST_F(HostStreamTest, HalfCloseOfOursStillHearsTheAnswer) {
  const auto stream = connected();
  write_text(*stream, "question");
  stream->shutdown_send();

  std::array<char, 16> received{};
  EXPECT_EQ(recv(remote_.get(), received.data(), received.size(), 0), 8);
  EXPECT_EQ(recv(remote_.get(), received.data(), received.size(), 0), 0);
  EXPECT_EQ(send(remote_.get(), "answer", 6, 0), 6);
  stream->watch(kReadable);
  EXPECT_TRUE(next_news().ready.readable);

  std::vector<std::uint8_t> buffer(64);
  EXPECT_EQ(read_into(*stream, buffer).bytes, 6u);
}

TEST_F(HostStreamTest, HalfCloseOfTheirsIsTheEndAndWeMayStillWrite) {
  const auto stream = connected();
  send(remote_.get(), "bye", 3, 0);
  shutdown(remote_.get(), SHUT_WR);
  stream->watch(kReadable);
  next_news();

  std::vector<std::uint8_t> buffer(64);
  EXPECT_EQ(read_into(*stream, buffer).bytes, 3u);
  stream->watch(kReadable);
  EXPECT_TRUE(next_news().ready.readable) << "the end behind the bytes is news";
  const IoResult end = read_into(*stream, buffer);
  EXPECT_TRUE(end.is_end);
  EXPECT_EQ(end.error, 0);

  EXPECT_EQ(write_text(*stream, "still here").bytes, 10u);
  stream->watch(kReadable);
  settle();
  EXPECT_TRUE(news_.empty()) << "an end that was read is no news";
}

TEST_F(HostStreamTest, ResetOfTheirsIsAnErrorOnBothSides) {
  const auto stream = connected();
  stream->watch(kReadable);
  const linger at_once{1, 0};
  setsockopt(remote_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  remote_.close();

  EXPECT_TRUE(next_news().ready.readable);
  std::vector<std::uint8_t> buffer(64);
  EXPECT_EQ(read_into(*stream, buffer).error, ECONNRESET);
  EXPECT_EQ(write_text(*stream, "x").error, EPIPE);
}

TEST_F(HostStreamTest, ResetBehindTheEndIsTold) {
  const auto stream = connected();
  shutdown(remote_.get(), SHUT_WR);
  stream->watch(kReadable);
  next_news();
  std::vector<std::uint8_t> buffer(64);
  EXPECT_TRUE(read_into(*stream, buffer).is_end);

  stream->watch(kReadable);
  const linger at_once{1, 0};
  setsockopt(remote_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  remote_.close();

  EXPECT_TRUE(next_news().ready.readable);
  const IoResult result = read_into(*stream, buffer);
  EXPECT_TRUE(result.error == ECONNRESET || result.error == EPIPE) << result.error;
}

TEST_F(HostStreamTest, ResetOnCloseSendsReset) {
  auto stream = connected();
  stream->reset_on_close();
  stream.reset();

  char byte;
  EXPECT_EQ(recv(remote_.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(HostStreamTest, CloseWithoutItSendsFin) {
  auto stream = connected();
  stream.reset();

  char byte;
  EXPECT_EQ(recv(remote_.get(), &byte, 1, 0), 0);
}

TEST_F(HostStreamTest, AFullSocketBlocksAndRoomIsNews) {
  const auto stream = connected();
  const std::vector<char> chunk(256 * 1024);
  std::size_t written = 0;
  IoResult result;
  while (!(result = write_text(*stream, {chunk.data(), chunk.size()})).would_block()) {
    ASSERT_EQ(result.error, 0);
    written += result.bytes;
    ASSERT_LT(written, 1u << 30);
  }
  stream->watch(kWritable);
  settle();
  EXPECT_TRUE(news_.empty());

  std::vector<char> sink(1 << 20);
  std::size_t drained = 0;
  while (drained < written) {
    const ssize_t size = recv(remote_.get(), sink.data(), sink.size(), 0);
    ASSERT_GT(size, 0);
    drained += static_cast<std::size_t>(size);
  }

  EXPECT_TRUE(next_news().ready.writable);
  EXPECT_EQ(write_text(*stream, "more").bytes, 4u);
}

TEST_F(HostStreamTest, ReadScattersOverSlots) {
  const auto stream = connected();
  std::vector<std::uint8_t> sent(4000);
  std::iota(sent.begin(), sent.end(), std::uint8_t{0});
  send(remote_.get(), sent.data(), sent.size(), 0);
  stream->watch(kReadable);
  next_news();

  std::vector<std::uint8_t> slots(3 * 1452);
  std::array<iovec, 3> vectors{
      iovec{slots.data(), 1380}, {slots.data() + 1452, 1380}, {slots.data() + 2904, 1380}};
  ASSERT_EQ(stream->read(vectors).bytes, 4000u);

  std::vector<std::uint8_t> joined;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t size = i < 2 ? 1380 : 4000 - 2 * 1380;
    joined.insert(joined.end(), slots.begin() + i * 1452, slots.begin() + i * 1452 + size);
  }
  EXPECT_EQ(joined, sent);
}

TEST_F(HostStreamTest, WhatWasLeftUnreadIsNewsAgain) {
  const auto stream = connected();
  send(remote_.get(), "abcdef", 6, 0);
  std::vector<std::uint8_t> two(2);
  for (int i = 0; i < 3; ++i) {
    stream->watch(kReadable);
    EXPECT_TRUE(next_news().ready.readable);
    EXPECT_EQ(read_into(*stream, two).bytes, 2u);
  }
}

TEST_F(HostStreamTest, NothingIsNewsUnlessAsked) {
  const auto stream = connected();
  send(remote_.get(), "abc", 3, 0);
  settle();
  EXPECT_TRUE(news_.empty());

  stream->watch(kReadable);
  EXPECT_TRUE(next_news().ready.readable);
  settle();
  EXPECT_TRUE(news_.empty()) << "one question, one answer";
}

TEST_F(HostStreamTest, OptionsReachTheSocket) {
  const auto opened =
      sockets_.connect(listener_.address(), kToken, {.receive_buffer = 65536, .send_buffer = 32768});

  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(sockets_.counters().tcp_opened.value(), 1u);
}

TEST_F(HostStreamTest, UnreachableFailsAtOnce) {
  const auto opened = sockets_.connect({IpAddress::v4(255, 255, 255, 255), 80}, kToken, {});

  EXPECT_EQ(opened.socket, nullptr);
  EXPECT_EQ(opened.error, ENETUNREACH);
  EXPECT_EQ(sockets_.counters().open_errors.value(), 1u);
}

// Every order of destroying sockets while news of them are queued; a sanitizer build proves it.
TEST_F(HostStreamTest, ADestroyedSocketIsNoNews) {
  std::vector<std::unique_ptr<StreamSocket>> streams;
  std::vector<TestSocket> remotes;
  for (SocketToken token = 0; token < 8; ++token) {
    streams.push_back(connected(token));
    remotes.push_back(std::move(remote_));
    send(remotes.back().get(), "x", 1, 0);
  }
  for (const auto& stream : streams) stream->watch(kBoth);
  for (std::size_t i = 0; i < 8; i += 2) streams[i].reset();

  settle();

  for (const News& news : news_) EXPECT_EQ(news.token % 2, 1u);
  EXPECT_GE(news_.size(), 4u);
}

TEST_F(HostStreamTest, AReusedSlotDoesNotHearOldNews) {
  auto old = connected(1);
  TestSocket old_remote = std::move(remote_);
  send(old_remote.get(), "x", 1, 0);
  settle();  // the edge is noted
  old->watch(kReadable);
  old.reset();
  const auto fresh = connected(2);
  fresh->watch(kReadable);

  settle();

  EXPECT_TRUE(news_.empty());
}

}  // namespace

// The handler of the sockets destroys sockets, as the stack does.
TEST(HostSocketsTest, TheHandlerMayDestroyAnySocket) {
  boost::asio::io_context context{1};
  std::vector<std::unique_ptr<StreamSocket>> streams;
  std::size_t calls = 0;
  HostSockets sockets{context, [&](SocketToken, Ready) {
                        ++calls;
                        streams.clear();
                      }};
  TestSocket listener{Family::kV4, SOCK_STREAM};
  ASSERT_EQ(listen(listener.get(), 16), 0);
  for (SocketToken token = 0; token < 8; ++token) {
    streams.push_back(std::move(sockets.connect(listener.address(), token, {}).socket));
    streams.back()->watch({.readable = true, .writable = true});
  }
  while (calls == 0) ASSERT_NE(context.run_one_for(kPatience), 0u);
  while (context.poll() != 0) {
  }

  EXPECT_EQ(calls, 1u);
}

TEST(HostSocketsTest, MayEndWhileItsNewsAreQueued) {
  boost::asio::io_context context{1};
  std::size_t calls = 0;
  TestSocket listener{Family::kV4, SOCK_STREAM};
  ASSERT_EQ(listen(listener.get(), 16), 0);
  {
    HostSockets sockets{context, [&](SocketToken, Ready) { ++calls; }};
    const auto opened = sockets.connect(listener.address(), 1, {});
    opened.socket->watch({.readable = true, .writable = true});
    pollfd ready{listener.get(), POLLIN, 0};
    ASSERT_EQ(poll(&ready, 1, 1000 * static_cast<int>(kPatience.count())), 1);
  }
  while (context.poll() != 0) {
  }

  EXPECT_EQ(calls, 0u);
}

TEST(HostSocketsTest, KeepsAReserveOfDescriptors) {
  boost::asio::io_context context{1};
  const io::Descriptor probe{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};  // the lowest free number
  HostSockets sockets{context, [](SocketToken, Ready) {},
                      probe.get() + HostSockets::kReservedDescriptors + 12};
  std::vector<std::unique_ptr<DatagramSocket>> opened;
  int error = 0;
  while (error == 0 && opened.size() < 16) {
    auto one = sockets.open_udp(Family::kV4, opened.size(), 0);
    error = one.error;
    if (one.socket) opened.push_back(std::move(one.socket));
  }

  EXPECT_EQ(error, EMFILE);
  EXPECT_LT(opened.size(), 13u);
  EXPECT_EQ(sockets.connect({IpAddress::v4(127, 0, 0, 1), 1}, 0, {}).error, EMFILE);
  EXPECT_EQ(sockets.counters().descriptors_exhausted.value(), 2u);
  ASSERT_FALSE(opened.empty());
  opened.clear();
  EXPECT_EQ(sockets.open_udp(Family::kV4, 0, 0).error, 0) << "what was closed may be opened again";
}

}  // namespace wgr::egress
