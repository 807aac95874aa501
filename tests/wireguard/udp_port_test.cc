#include "wireguard/udp_port.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"

#include "core/io/descriptor.h"

namespace wgr::wireguard {
namespace {

class UdpPortTest : public testing::Test {
 protected:
  std::unique_ptr<io::UdpSocket> open() {
    return std::make_unique<io::UdpSocket>(SocketAddress{IpAddress::v4(127, 0, 0, 1), 0},
                                           /*share_port=*/false);
  }

  boost::asio::io_context context_{1};
};

TEST_F(UdpPortTest, ListensWhereItIsBoundOnceItIsStarted) {
  UdpPort port{context_, open(), [](auto) {}};
  EXPECT_FALSE(port.is_listening());

  port.start();
  context_.poll();
  EXPECT_TRUE(port.is_listening());
  EXPECT_EQ(port.local_address(), port.socket().local_address());
  EXPECT_NE(port.local_address().port, 0);
}

TEST_F(UdpPortTest, EveryDatagramArrivesAndABatchThatCameUpShortIsNotAskedAgain) {
  std::size_t received = 0;
  UdpPort port{context_, open(), [&](auto batch) { received += batch.size(); }};
  port.start();
  context_.poll();
  const auto sender = open();
  const auto send = [&](std::size_t count) {
    DatagramBatch batch;
    for (std::size_t i = 1; i <= count; ++i) batch.append(Endpoint::udp(port.local_address()), i);
    sender->send(batch.runs(), Instant{});
    context_.run_one();
    context_.poll();
  };
  for (std::size_t turn = 1; turn <= 3; ++turn) {
    send(1);
    EXPECT_EQ(received, turn);
    EXPECT_EQ(port.socket().counters().receive_calls.value(), turn);
  }
  send(100);  // a call takes 64
  EXPECT_EQ(received, 103u);
  EXPECT_EQ(port.socket().counters().receive_calls.value(), 5u);
}

// A file that cannot be waited for stands for a socket that the kernel has given up.
TEST_F(UdpPortTest, PortThatCannotBeWaitedForIsLost) {
  auto socket = open();
  const io::Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  ASSERT_GE(::dup3(file.get(), socket->descriptor(), O_CLOEXEC), 0);
  UdpPort port{context_, std::move(socket), [](auto) {}};

  port.start();
  context_.poll();
  EXPECT_FALSE(port.is_listening());
}

}  // namespace
}  // namespace wgr::wireguard
