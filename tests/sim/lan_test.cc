// Virtual LANs across the workers of a router: a session is accepted anywhere, its network lives at home.
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "cmd/shard.h"
#include "slirp/lan/gateway_addresses.h"
#include "tests/sim/world.h"
#include "tests/slirp/lan/lan_frames.h"
#include "tests/support/sim_sockets.h"
#include "tests/support/stack_world.h"

namespace wgr::sim {
namespace {

using namespace std::chrono_literals;
using namespace slirp::lan::test;

constexpr NetworkIndex kLab = 0;     // home: worker 0
constexpr NetworkIndex kOffice = 1;  // home: worker 1
const slirp::lan::SessionOwner kOwner{kHome, {}};

LanSettings network(std::uint8_t third, bool reach_peers) {
  slirp::lan::NetworkConfig config;
  config.name = std::to_string(third);
  config.subnet = Prefix{IpAddress::v4(192, 168, third, 0), 24};
  config.gateway = IpAddress::v4(192, 168, third, 1);
  config.gateway_mac = kGatewayMac;
  config.reach_peers = reach_peers;
  return {config, {}};
}

// Two shards and the mail between them.
class LanShardsTest : public testing::Test {
 protected:
  explicit LanShardsTest(bool reach_peers = true) {
    Shard::Settings settings;
    settings.device.private_key = KeyPair::from_number(1).private_key;
    settings.networks = {network(86, reach_peers), network(87, reach_peers)};
    for (const LanSettings& item : settings.networks) {
      const std::vector<IpAddress> own = slirp::lan::gateway_addresses(item.config);
      settings.stack.own_addresses.insert(settings.stack.own_addresses.end(), own.begin(), own.end());
    }
    settings.policy = std::make_shared<egress::Policy>(egress::Policy::Settings{});
    std::vector<NetworkRoute> routes;
    for (std::size_t i = 0; i < settings.networks.size(); ++i) {
      const auto& config = settings.networks[i].config;
      routes.push_back({.home = network_home(static_cast<NetworkIndex>(i), kWorkers),
                        .prefixes = {config.subnet},
                        .mtu = config.mtu,
                        .reach_peers = config.reach_peers});
    }
    settings.routes = std::make_shared<Routes>(std::make_shared<wireguard::AllowedIps>(), OverlayConfig{},
                                               settings.stack.own_addresses, routes);
    settings.directory = std::make_shared<wireguard::PeerDirectory>();
    settings.workers = kWorkers;
    for (WorkerIndex worker = 0; worker < kWorkers; ++worker) {
      shards_.push_back(std::make_unique<Shard>(worker, settings, sockets_, rng_, WallTime{1h}, now_));
    }
  }

  SessionId open(WorkerIndex worker, NetworkIndex on) {
    const SessionId session{worker, ++sessions_};
    shards_[worker]->session_opened(session, on, kOwner, now_);
    deliver();
    return session;
  }
  void send(SessionId from, NetworkIndex on, Frame frame) {
    const MutableBytes view = frame;
    shards_[from.worker()]->frames_received(from, on, {&view, 1}, now_);
    deliver();
  }
  // Ends the turns of both workers until no mail is left; frames end up with their sessions.
  void deliver() {
    for (int round = 0; round < 8; ++round) {
      for (auto& shard : shards_) end_turn(*shard);
    }
  }
  void end_turn(Shard& shard) {
    while (shard.seal(now_)) {
    }
    for (const auto& frame : shard.lan().frames().frames()) {
      if (frame.to.worker() == shard.index()) take(frame.to, frame.bytes);
    }
    shard.lan().frames().clear();
    shard.outbox().datagrams.clear();
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      Mail mail = std::exchange(shard.outbox().mail[worker], Mail{});
      if (mail.is_empty()) continue;
      ++mails_;
      shards_[worker]->take_mail(mail, now_);
      for (const auto& message : mail.messages) take(message.to, mail.at(message.piece));
    }
  }
  void take(SessionId session, Bytes frame) { received_[session].emplace_back(frame.begin(), frame.end()); }

  GuestPacket last_packet(SessionId session) {
    const Frame& frame = received_.at(session).back();
    return {{}, {frame.begin() + wire::kEthernetHeaderSize, frame.end()}};
  }

  // A station with a lease it claims by using the address.
  SessionId station(WorkerIndex worker, NetworkIndex on, const MacAddress& mac, const IpAddress& address) {
    const SessionId session = open(worker, on);
    send(session, on,
         arp_request(mac, address, shards_[0]->lan().network_count() > on ? gateway(on) : address));
    received_[session].clear();
    return session;
  }
  static IpAddress gateway(NetworkIndex on) {
    return IpAddress::v4(192, 168, static_cast<std::uint8_t>(86 + on), 1);
  }

  static constexpr std::size_t kWorkers = 2;
  Internet internet_;
  SimSockets sockets_{internet_};
  Rng rng_{7};
  Instant now_{1h};
  std::vector<std::unique_ptr<Shard>> shards_;
  std::uint64_t sessions_ = 0;
  std::map<SessionId, std::vector<Frame>> received_;
  int mails_ = 0;
};

class ClosedLanShardsTest : public LanShardsTest {
 protected:
  ClosedLanShardsTest() : LanShardsTest(/*reach_peers=*/false) {}
};

TEST_F(LanShardsTest, GatewayAnswersASessionOfAnotherWorker) {
  const SessionId far = open(/*worker=*/1, kLab);
  send(far, kLab, arp_request(kAnna, host(20), kGateway));

  ASSERT_EQ(received_[far].size(), 1u);
  EXPECT_EQ(MacAddress::read(received_[far].front()), kAnna);
  EXPECT_GT(mails_, 0);
}

// What `ping6 fe80::...%eth0` and a resolver at that address ask.
TEST_F(LanShardsTest, GatewayAnswersPingAndDnsAtItsLinkLocalAddress) {
  const IpAddress anna = wire::link_local_of(kAnna);
  const IpAddress gateway = wire::link_local_of(kGatewayMac);
  const SessionId session = open(/*worker=*/0, kLab);
  send(session, kLab, neighbor_solicitation(kAnna, anna, gateway));
  ASSERT_EQ(received_[session].size(), 1u);

  send(session, kLab,
       ethernet(kGatewayMac, kAnna, wire::EtherType::kIpv6, echo_packet(anna, gateway, 7, 1, "ping")));
  ASSERT_EQ(received_[session].size(), 2u);
  GuestPacket reply = last_packet(session);
  EXPECT_EQ(reply.ip().source, gateway);
  EXPECT_EQ(reply.ip().destination, anna);
  EXPECT_EQ(reply.icmp().type(), wire::icmpv6::kEchoReply);

  auto names = std::make_shared<slirp::DnsNames>();
  names->add("box.lan", {host(20)});
  shards_[0]->stack().set_dns_names(names);
  Packet query{0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'b', 'o', 'x', 3, 'l', 'a', 'n', 0, 0, 1, 0, 1};
  send(session, kLab,
       ethernet(kGatewayMac, kAnna, wire::EtherType::kIpv6,
                sim::udp_packet({anna, 4000}, {gateway, wire::kDnsPort}, query)));
  ASSERT_EQ(received_[session].size(), 3u);
  GuestPacket answer = last_packet(session);
  EXPECT_EQ(answer.ip().source, gateway);
  EXPECT_EQ(wire::DnsView::parse(answer.udp().payload())->answer_count(), 1);
}

// Empty frames are cheap to send; each would weigh as much as a long one in the mailbox.
TEST_F(LanShardsTest, RuntsAreNotMailed) {
  const SessionId far = open(/*worker=*/1, kLab);
  mails_ = 0;
  send(far, kLab, {});
  send(far, kLab, Frame(wire::kEthernetHeaderSize - 1));

  EXPECT_EQ(mails_, 0);
  EXPECT_EQ(shards_[1]->counters().drops.value(DropReason::kFrameMalformed), 2u);
}

TEST_F(LanShardsTest, SessionAtHomeNeedsNoMail) {
  const SessionId near = open(/*worker=*/0, kLab);
  send(near, kLab, arp_request(kAnna, host(20), kGateway));

  EXPECT_EQ(received_[near].size(), 1u);
  EXPECT_EQ(mails_, 0);
}

TEST_F(LanShardsTest, PacketPassesBetweenNetworksThatMayReachEachOther) {
  const IpAddress far_address = IpAddress::v4(192, 168, 87, 30);
  const SessionId anna = station(0, kLab, kAnna, host(20));
  const SessionId bert = station(0, kOffice, kBert, far_address);

  send(anna, kLab, udp_frame(kGatewayMac, kAnna, {host(20), 4000}, {far_address, 5000}));

  ASSERT_EQ(received_[bert].size(), 1u);
  EXPECT_EQ(MacAddress::read(received_[bert].front()), kBert);
  const Bytes packet = Bytes{received_[bert].front()}.subspan(wire::kEthernetHeaderSize);
  EXPECT_EQ(packet[8], 63) << "one hop less to live";
}

TEST_F(ClosedLanShardsTest, PacketForAnotherNetworkIsRefusedAndCounted) {
  const IpAddress far_address = IpAddress::v4(192, 168, 87, 30);
  const SessionId anna = station(0, kLab, kAnna, host(20));
  const SessionId bert = station(1, kOffice, kBert, far_address);

  send(anna, kLab, udp_frame(kGatewayMac, kAnna, {host(20), 4000}, {far_address, 5000}));

  EXPECT_TRUE(received_[bert].empty());
  EXPECT_EQ(shards_[0]->counters().drops.value(DropReason::kStationIsolated), 1u);
}

TEST_F(LanShardsTest, ClosedSessionIsSentNothingMore) {
  const IpAddress far_address = IpAddress::v4(192, 168, 87, 30);
  const SessionId anna = station(0, kLab, kAnna, host(20));
  const SessionId bert = station(0, kOffice, kBert, far_address);
  shards_[0]->session_closed(bert, kOffice, now_);
  deliver();

  send(anna, kLab, udp_frame(kGatewayMac, kAnna, {host(20), 4000}, {far_address, 5000}));

  EXPECT_TRUE(received_[bert].empty());
}

}  // namespace
}  // namespace wgr::sim
