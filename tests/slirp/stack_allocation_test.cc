// No allocation per packet in the steady state: counted, through the public face, with host sockets that
// allocate nothing themselves.
#include <gtest/gtest.h>

#include <array>

#include "slirp/stack.h"
#include "tests/slirp/allocation_counter.h"
#include "tests/support/stack_world.h"

namespace wgr::slirp {
namespace {

using namespace std::chrono_literals;

// A server that takes everything and always has more.
class EndlessStream : public egress::StreamSocket {
 public:
  int connect_result() override { return 0; }
  egress::IoResult read(std::span<const iovec> into) override { return {.bytes = total(into)}; }
  egress::IoResult write(std::span<const iovec> from) override { return {.bytes = total(from)}; }
  void shutdown_send() override {}
  void reset_on_close() override {}
  void watch(egress::Ready) override {}

 private:
  static std::size_t total(std::span<const iovec> pieces) {
    std::size_t size = 0;
    for (const iovec& piece : pieces) size += piece.iov_len;
    return size;
  }
};

// Echoes the last datagram as often as it is asked.
class EndlessDatagrams : public egress::DatagramSocket {
 public:
  egress::IoResult send(std::span<const egress::DatagramOut> datagrams) override {
    to_ = datagrams.back().to;
    return {.bytes = datagrams.size()};
  }
  egress::IoResult receive(std::vector<egress::DatagramIn>& into, std::size_t limit) override {
    for (std::size_t i = 0; i < limit / 2; ++i) into.push_back({to_, payload_, 0});
    return {.bytes = limit / 2};
  }
  void receive_errors(std::vector<egress::SocketError>&) override {}
  void watch_readable() override {}
  SocketAddress local_address() const override { return {}; }

 private:
  SocketAddress to_;
  std::array<std::uint8_t, 1200> payload_{};
};

class EndlessSockets : public egress::Sockets {
 public:
  egress::Opened<egress::StreamSocket> connect(const SocketAddress&, egress::SocketToken token,
                                               const egress::StreamOptions&) override {
    last = token;
    return {std::make_unique<EndlessStream>(), 0};
  }
  egress::Opened<egress::DatagramSocket> open_udp(Family, egress::SocketToken token, std::uint16_t) override {
    last = token;
    return {std::make_unique<EndlessDatagrams>(), 0};
  }
  egress::Opened<egress::PingSocket> open_ping(Family, egress::SocketToken) override {
    return {nullptr, EACCES};
  }

  egress::SocketToken last = 0;
};

class StackAllocationTest : public testing::Test {
 protected:
  static constexpr GuestId kGuest{0, 1};
  const SocketAddress guest_{IpAddress::v4(10, 0, 0, 2), 40000};
  const SocketAddress remote_{IpAddress::v4(93, 184, 216, 34), 80};

  void receive(std::span<const PacketView> packets) {
    stack_.receive(packets, now_, out_);
    sent_ += out_.packets().size();
    out_.clear();
    stack_.end_turn();
    now_ += 100us;
  }

  // Opens a connection; the stack's first sequence number is returned.
  std::uint32_t open() {
    wire::TcpHeader syn;
    syn.sequence = 1000;
    syn.flags = wire::kTcpSyn;
    syn.window = 65535;
    syn.options.mss = 1380;
    syn.options.window_scale = 10;
    sim::Packet packet = sim::tcp_packet(guest_, remote_, syn);
    const PacketView view{kGuest, packet};
    stack_.receive({&view, 1}, now_, out_);
    out_.clear();
    stack_.socket_ready(sockets_.last, {.writable = true}, now_, out_);
    EXPECT_EQ(out_.packets().size(), 1u);
    const auto ip = wire::IpView::parse(out_.packets()[0].bytes);
    const std::uint32_t sequence = wire::TcpView::parse(ip->payload)->sequence();
    out_.clear();
    stack_.end_turn();
    return sequence;
  }

  Config config_ = sim::StackWorld::default_config();
  EndlessSockets sockets_;
  Rng rng_{1};
  Instant now_{std::chrono::hours{1}};
  Stack stack_{config_, sockets_, std::make_shared<const egress::Policy>(egress::Policy::Settings{}), rng_};
  PacketBatch out_;
  std::size_t sent_ = 0;
};

TEST_F(StackAllocationTest, UdpBothWaysAllocatesNothingPerPacket) {
  sim::Packet packet = sim::udp_packet(guest_, remote_, std::string(1200, 'x'));
  const std::vector<PacketView> batch(32, PacketView{kGuest, packet});
  for (int i = 0; i < 10; ++i) {
    receive(batch);
    stack_.socket_ready(sockets_.last, {.readable = true}, now_, out_);
    out_.clear();
  }
  const std::size_t before = test::allocations();
  for (int i = 0; i < 1000; ++i) {
    receive(batch);
    stack_.socket_ready(sockets_.last, {.readable = true}, now_, out_);
    sent_ += out_.packets().size();
    out_.clear();
  }
  EXPECT_EQ(test::allocations() - before, 0u);
  EXPECT_GT(stack_.counters().udp.packets_received.value(), 30'000u);
  EXPECT_GT(stack_.counters().udp.packets_sent.value(), 30'000u);
}

TEST_F(StackAllocationTest, TcpUploadAllocatesNothingPerPacket) {
  const std::uint32_t sequence = open();
  std::vector<sim::Packet> packets(32);
  std::vector<PacketView> batch;
  for (sim::Packet& packet : packets) {
    wire::TcpHeader data;
    data.acknowledgement = sequence + 1;
    data.flags = wire::kTcpAck;
    data.window = 65535;
    packet = sim::tcp_packet(guest_, remote_, data, std::string(1380, 'u'));
    batch.push_back({kGuest, packet});
  }
  std::uint32_t next = 1001;
  const auto turn = [&] {
    for (sim::Packet& packet : packets) {
      store_be<std::uint32_t>(packet.data() + 24, next);
      next += 1380;
    }
    receive(batch);
  };
  for (int i = 0; i < 50; ++i) turn();
  const std::size_t before = test::allocations();
  for (int i = 0; i < 1000; ++i) turn();
  EXPECT_EQ(test::allocations() - before, 0u);
  EXPECT_EQ(stack_.counters().tcp.bytes_sent.value(), 1050u * 32 * 1380);
}

TEST_F(StackAllocationTest, TcpDownloadAllocatesNothingPerPacket) {
  const std::uint32_t sequence = open();
  wire::TcpHeader ack;
  ack.sequence = 1001;
  ack.acknowledgement = sequence + 1;
  ack.flags = wire::kTcpAck;
  ack.window = 2000;  // times 1024
  sim::Packet packet = sim::tcp_packet(guest_, remote_, ack);
  const PacketView view{kGuest, packet};
  stack_.receive({&view, 1}, now_, out_);
  std::uint32_t acknowledged = sequence + 1;
  std::size_t received = 0;
  // Everything that came is acknowledged a little later, in one segment.
  const auto turn = [&] {
    for (const PacketView& segment : out_.packets()) {
      const auto ip = wire::IpView::parse(segment.bytes);
      const auto tcp = wire::TcpView::parse(ip->payload);
      if (tcp->sequence() != acknowledged) continue;
      acknowledged += static_cast<std::uint32_t>(tcp->payload().size());
      received += tcp->payload().size();
    }
    out_.clear();
    stack_.end_turn();
    now_ += 1ms;
    store_be<std::uint32_t>(packet.data() + 28, acknowledged);
    stack_.receive({&view, 1}, now_, out_);
    stack_.socket_ready(sockets_.last, {.readable = true}, now_, out_);
  };
  for (int i = 0; i < 300; ++i) turn();
  const std::size_t before = test::allocations();
  const std::size_t before_received = received;
  for (int i = 0; i < 1000; ++i) turn();
  EXPECT_EQ(test::allocations() - before, 0u);
  EXPECT_GT(received - before_received, 10'000'000u);
}

}  // namespace
}  // namespace wgr::slirp
