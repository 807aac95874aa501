#include "cmd/snapshot.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

wireguard::Device::PeerStatus peer_with_handshake(Duration ago) {
  wireguard::Device::PeerStatus status;
  status.last_handshake = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) - ago;
  return status;
}

// B20 of wgslirp: ages were always 0 and every peer was stale.
TEST(SnapshotTest, WgslirpB20_HandshakeAgesAreThoseOfThePeers) {
  StatusByWorker statuses;
  statuses[0].peers = {peer_with_handshake(10s), peer_with_handshake(1000s)};
  statuses[1].peers = {peer_with_handshake(170s), wireguard::Device::PeerStatus{}};
  const metrics::HandshakeDetail seen = take_snapshot({}, statuses).handshakes;

  EXPECT_EQ(seen.peers, 4u);
  EXPECT_EQ(seen.fresh, 2u);
  EXPECT_EQ(seen.stale, 1u);
  EXPECT_NEAR(static_cast<double>(seen.newest_seconds), 10, 5);
  EXPECT_NEAR(static_cast<double>(seen.oldest_seconds), 1000, 5);
}

wireguard::PeerConfig laptop() {
  wireguard::PeerConfig config;
  config.public_key.fill(1);
  config.name = "laptop";
  config.allowed_ips = {Prefix::parse("10.86.0.2/32").value(), Prefix::parse("fd86::2/128").value()};
  return config;
}

TEST(SnapshotTest, PeersAreToldAsConfiguredAndAsTheirWorkersSay) {
  PeerBook book{1};
  const std::vector<wireguard::PeerConfig> configured{laptop()};
  book.apply(configured);
  wireguard::Device::PeerStatus status;
  status.id = book.entries().begin()->second.id;
  status.endpoint = Endpoint::udp(SocketAddress::parse("[2001:db8::7]:51820").value());
  status.received_bytes = 100;
  status.sent_bytes = 200;
  status.last_handshake = WallTime{5s};
  metrics::Snapshot snapshot;
  StatusByWorker statuses;
  statuses[0].peers = {status};
  add_peers(snapshot, book, statuses, wireguard::PublicKey{});

  ASSERT_EQ(snapshot.peers.size(), 1u);
  const metrics::PeerStats& peer = snapshot.peers.front();
  EXPECT_EQ(peer.public_key, "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=");
  EXPECT_EQ(peer.name, "laptop");
  EXPECT_EQ(peer.allowed_ips, (std::vector<std::string>{"10.86.0.2/32", "fd86::2/128"}));
  EXPECT_EQ(peer.endpoint, "[2001:db8::7]:51820");
  EXPECT_EQ(peer.received_bytes, 100u);
  EXPECT_EQ(peer.sent_bytes, 200u);
  EXPECT_EQ(peer.last_handshake, WallTime{5s});
  EXPECT_EQ(snapshot.public_key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

TEST(SnapshotTest, DialedPeerWithoutAnAddressHasNoEndpoint) {
  PeerBook book{1};
  const std::vector<wireguard::PeerConfig> configured{laptop()};
  book.apply(configured);
  wireguard::Device::PeerStatus status;
  status.id = book.entries().begin()->second.id;
  status.endpoint = Endpoint::of_session(SessionId{0, 1}, SocketAddress{});
  metrics::Snapshot snapshot;
  StatusByWorker statuses;
  statuses[0].peers = {status};
  add_peers(snapshot, book, statuses, wireguard::PublicKey{});

  ASSERT_EQ(snapshot.peers.size(), 1u);
  EXPECT_EQ(snapshot.peers.front().endpoint, "");
}

TEST(SnapshotTest, PeerWhoseWorkerIsSilentIsToldAsConfigured) {
  PeerBook book{1};
  const std::vector<wireguard::PeerConfig> configured{laptop()};
  book.apply(configured);
  metrics::Snapshot snapshot;
  add_peers(snapshot, book, {}, wireguard::PublicKey{});

  ASSERT_EQ(snapshot.peers.size(), 1u);
  EXPECT_EQ(snapshot.peers.front().name, "laptop");
  EXPECT_EQ(snapshot.peers.front().endpoint, "");
  EXPECT_EQ(snapshot.peers.front().last_handshake, WallTime{});
}

TEST(SnapshotTest, ForwardsOfEveryWorkerAreToldByTheirPorts) {
  slirp::ForwardStatus web;
  web.config.listen_port = 8080;
  web.target = slirp::ForwardTarget{};
  web.active_flows = 2;
  web.flows_opened = 5;
  web.refused_sources = 1;
  slirp::ForwardStatus dns;
  dns.config.protocol = slirp::ForwardProtocol::kUdp;
  dns.config.listen_port = 53;
  dns.config.listen_addresses = {IpAddress::v4(192, 0, 2, 1), IpAddress::parse("2001:db8::1").value()};
  dns.error = EADDRINUSE;
  StatusByWorker statuses;
  statuses[0].forwards = {web};
  statuses[1].forwards = {dns};
  metrics::Snapshot snapshot;
  add_forwards(snapshot, statuses);

  ASSERT_EQ(snapshot.forwards.size(), 2u);
  EXPECT_EQ(snapshot.forwards[0].protocol, "tcp");
  EXPECT_EQ(snapshot.forwards[0].listen, "*:8080");
  EXPECT_TRUE(snapshot.forwards[0].is_bound);
  EXPECT_TRUE(snapshot.forwards[0].is_guest_present);
  EXPECT_EQ(snapshot.forwards[0].active_flows, 2u);
  EXPECT_EQ(snapshot.forwards[0].flows_opened, 5u);
  EXPECT_EQ(snapshot.forwards[0].refused_sources, 1u);
  EXPECT_EQ(snapshot.forwards[1].protocol, "udp");
  EXPECT_EQ(snapshot.forwards[1].listen, "192.0.2.1:53,[2001:db8::1]:53");
  EXPECT_FALSE(snapshot.forwards[1].is_bound);
  EXPECT_FALSE(snapshot.forwards[1].is_guest_present);
}

TEST(SnapshotTest, ServersAndNetworksOfWorkersAddUp) {
  ws::Counters server;
  server.connections.add(2);
  server.ethernet.sessions.add(1);
  slirp::lan::Counters network;
  network.leases.add(3);
  network.drops.count(DropReason::kMacSpoofed);
  metrics::Snapshot snapshot;
  for (int worker = 0; worker < 2; ++worker) {
    add_server(snapshot, server);
    add_network(snapshot, "lab", network);
  }

  EXPECT_EQ(snapshot.counters.at("ws.connections"), 4);
  EXPECT_EQ(snapshot.counters.at("ws_ethernet.sessions"), 2);
  EXPECT_EQ(snapshot.counters.at("ws_wireguard.sessions"), 0);
  EXPECT_EQ(snapshot.networks.at("lab").at("leases"), 6);
  EXPECT_EQ(snapshot.drops[static_cast<std::size_t>(DropReason::kMacSpoofed)], 2u);
}

// Nobody has to ask for /readyz: a scrape alone tells that descriptors run out.
TEST(SnapshotTest, ScrapeLooksAtTheDescriptorsItself) {
  metrics::Health health{{}, 1};
  metrics::Snapshot snapshot;
  snapshot.process.open_descriptors = 99;
  snapshot.process.descriptors_soft = 100;
  add_health(snapshot, health, Instant{});

  const auto check = std::ranges::find(snapshot.checks, "descriptors", &metrics::CheckResult::name);
  ASSERT_NE(check, snapshot.checks.end());
  EXPECT_FALSE(check->is_good);
}

TEST(SnapshotTest, HealthAndLimitsAreTold) {
  metrics::Health health{{}, 1};
  const Instant now = Instant{} + 100s;
  health.facts().is_draining = true;
  health.add_probe("dns");
  health.watchdog().heartbeat_sent(0, now - 3s);
  metrics::Snapshot snapshot;
  snapshot.workers.resize(1);
  add_health(snapshot, health, now);
  add_flow_limits(snapshot, slirp::Limits{}, 2);

  EXPECT_TRUE(snapshot.is_draining);
  EXPECT_EQ(snapshot.probes.size(), 1u);
  EXPECT_FALSE(snapshot.checks.empty());
  EXPECT_EQ(snapshot.workers.front().heartbeat, 3s);
  EXPECT_EQ(snapshot.tcp_flows.limit, 2 * slirp::Limits{}.tcp_flows);
}

}  // namespace
}  // namespace wgr
