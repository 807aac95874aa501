// Outside clients of the loopback.
#include "core/egress/host_listen.h"

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/egress/loopback.h"

namespace wgr::egress {
namespace {

constexpr SocketToken kListener = 3;
constexpr SocketToken kClient = 9;
constexpr Ready kReadable{.readable = true, .writable = false};

class HostListenTest : public LoopbackTest, public testing::WithParamInterface<Family> {
 protected:
  IpAddress loopback() const { return loopback_of(GetParam()); }
  IpAddress any() const { return GetParam() == Family::kV4 ? IpAddress{} : IpAddress::parse("::").value(); }

  std::unique_ptr<ListenSocket> listen(const SocketAddress& local) {
    auto opened = sockets_.listen_tcp(local, kListener);
    EXPECT_EQ(opened.error, 0);
    return std::move(opened.socket);
  }
  TestSocket connect_to(const SocketAddress& to) {
    TestSocket client{GetParam(), SOCK_STREAM};
    sockaddr_storage name{};
    const socklen_t length = io::to_sockaddr(to, name);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&name), length), 0);
    return client;
  }
};

INSTANTIATE_TEST_SUITE_P(Families, HostListenTest, testing::Values(Family::kV4, Family::kV6),
                         [](const auto& info) { return info.param == Family::kV4 ? "V4" : "V6"; });

TEST_P(HostListenTest, AcceptsAClientAndSaysWhoItIsAndWhereItCameTo) {
  const auto listener = listen({loopback(), 0});
  const SocketAddress here = listener->local_address();
  EXPECT_EQ(listener->accept(kClient, {}).error, EAGAIN);
  listener->watch_readable();
  TestSocket client = connect_to(here);
  EXPECT_EQ(next_news().token, kListener);

  const Accepted accepted = listener->accept(kClient, {});

  ASSERT_NE(accepted.socket, nullptr);
  EXPECT_EQ(accepted.client, client.address());
  EXPECT_EQ(accepted.local, here);
  EXPECT_EQ(sockets_.counters().tcp_accepted.value(), 1u);
  EXPECT_EQ(listener->accept(kClient, {}).error, EAGAIN);
}

TEST_P(HostListenTest, CarriesBytesBothWaysUnderTheTokenGivenToAccept) {
  const auto listener = listen({any(), 0});
  TestSocket client = connect_to({loopback(), listener->local_address().port});
  listener->watch_readable();
  EXPECT_EQ(next_news().token, kListener);
  const Accepted accepted = listener->accept(kClient, {});
  ASSERT_NE(accepted.socket, nullptr);
  EXPECT_EQ(accepted.local.ip, loopback());

  accepted.socket->watch(kReadable);
  EXPECT_EQ(send(client.get(), "in", 2, 0), 2);
  EXPECT_EQ(next_news().token, kClient);
  std::array<char, 8> buffer{};
  const iovec into{buffer.data(), buffer.size()};
  EXPECT_EQ(accepted.socket->read({&into, 1}).bytes, 2u);
  EXPECT_EQ(std::string_view(buffer.data(), 2), "in");

  const iovec from{const_cast<char*>("out"), 3};
  EXPECT_EQ(accepted.socket->write({&from, 1}).bytes, 3u);
  EXPECT_EQ(recv(client.get(), buffer.data(), buffer.size(), 0), 3);
  EXPECT_EQ(std::string_view(buffer.data(), 3), "out");
}

TEST_P(HostListenTest, AResetSocketIsAResetClient) {
  const auto listener = listen({loopback(), 0});
  TestSocket client = connect_to(listener->local_address());
  listener->watch_readable();
  next_news();
  {
    const Accepted accepted = listener->accept(kClient, {});
    ASSERT_NE(accepted.socket, nullptr);
    accepted.socket->reset_on_close();
  }
  char byte = 0;
  EXPECT_EQ(recv(client.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_P(HostListenTest, APortInUseIsToldAndCounted) {
  const auto listener = listen({loopback(), 0});
  const auto second = sockets_.listen_tcp(listener->local_address(), kListener);
  EXPECT_EQ(second.socket, nullptr);
  EXPECT_EQ(second.error, EADDRINUSE);
  EXPECT_EQ(sockets_.counters().open_errors.value(), 1u);
}

TEST_P(HostListenTest, BothFamiliesMayHaveOnePort) {
  const auto listener = listen({any(), 0});
  const IpAddress other = GetParam() == Family::kV4 ? IpAddress::parse("::").value() : IpAddress{};
  const auto second = sockets_.listen_tcp({other, listener->local_address().port}, kListener);
  EXPECT_EQ(second.error, 0);
}

TEST_P(HostListenTest, AClientBeyondTheReserveOfDescriptorsIsReset) {
  // As many as are in use by now, and room for the listener, its epoll and little more.
  const TestSocket probe{GetParam(), SOCK_STREAM};
  const int limit = probe.get() + HostSockets::kReservedDescriptors + 4;
  HostSockets few{context_, [](SocketToken, Ready) {}, limit};
  auto opened = few.listen_tcp({loopback(), 0}, kListener);
  ASSERT_EQ(opened.error, 0);
  std::vector<TestSocket> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(connect_to(opened.socket->local_address()));
  EXPECT_EQ(opened.socket->accept(kClient, {}).error, EMFILE);
  EXPECT_EQ(few.counters().descriptors_exhausted.value(), 1u);
  char byte = 0;
  EXPECT_EQ(recv(clients.front().get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

// A datagram to any of our addresses is answered from that one.
TEST_P(HostListenTest, AUdpPortAnswersFromTheAddressThatWasHit) {
  auto opened = sockets_.open_udp_at({any(), 0}, kListener);
  ASSERT_EQ(opened.error, 0);
  DatagramSocket& port = *opened.socket;
  const IpAddress hit = GetParam() == Family::kV4 ? IpAddress::v4(127, 0, 0, 77) : loopback();
  const SocketAddress here{hit, port.local_address().port};
  TestSocket client{GetParam(), SOCK_DGRAM};
  client.send_datagram(here, {1, 2, 3});
  port.watch_readable();
  ASSERT_EQ(next_news().token, kListener);

  std::vector<DatagramIn> datagrams;
  port.receive(datagrams, 8);

  ASSERT_EQ(datagrams.size(), 1u);
  EXPECT_EQ(datagrams[0].from, client.address());
  EXPECT_EQ(datagrams[0].local, hit);
  const std::vector<std::uint8_t> answer{4, 5};
  // Twice: neighbours leave as one message.
  const DatagramOut out{.to = datagrams[0].from, .payload = answer, .from = datagrams[0].local};
  EXPECT_EQ(port.send(std::vector<DatagramOut>{out, out}).bytes, 2u);
  for (int i = 0; i < 2; ++i) {
    SocketAddress from;
    EXPECT_EQ(client.receive_datagram(&from), answer);
    EXPECT_EQ(from, here);
  }
}

TEST_P(HostListenTest, AUdpPortInUseIsTold) {
  auto opened = sockets_.open_udp_at({loopback(), 0}, kListener);
  ASSERT_EQ(opened.error, 0);
  EXPECT_EQ(sockets_.open_udp_at(opened.socket->local_address(), kListener).error, EADDRINUSE);
}

}  // namespace
}  // namespace wgr::egress
