// Two workers of one router: one identity, a device each, strays handed over as the shard does.
#include "gtest/gtest.h"

#include "tests/wireguard/tunnel.h"
#include "wireguard/device.h"

namespace wgr::wireguard {
namespace {

using namespace std::chrono_literals;

class DeviceWorkersTest : public testing::Test {
 protected:
  DeviceWorkersTest() {
    // The second worker has the same key; alice's home is there.
    second.private_key = first.private_key;
    second.config.private_key = first.private_key;
    second.restart(wire.now);
    alice_id = second.add_peer(alice, wire.now);
    first.directory = second.directory;
    first.device->set_directory(std::make_shared<const PeerDirectory>(first.directory));
    wire.attach(alice);
    router_at_alice = alice.add_peer(first, wire.now);
    alice.device->set_endpoint(router_at_alice, first.address, EndpointOrigin::kOperator, wire.now);
  }

  Octets take_from_alice(Bytes packet) {
    alice.device->send(router_at_alice, packet, wire.now, alice.out);
    wire.collect(alice);
    return wire.log.back().bytes;
  }
  Octets ping() const { return ipv4_packet(alice.inner_address, first.inner_address, 84); }

  Wire wire;
  Node alice{"alice", "192.0.2.1:1111", "10.0.0.1", wire.now};
  Node first{"first", "192.0.2.2:2222", "10.0.0.2", wire.now, /*worker=*/0};
  Node second{"second", "192.0.2.2:2222", "10.0.0.2", wire.now, /*worker=*/1};
  GuestId alice_id;
  GuestId router_at_alice;
};

TEST_F(DeviceWorkersTest, InitiationIsOpenedOnOneWorkerAndAnsweredByTheOther) {
  Octets initiation = take_from_alice(ping());
  first.device->receive(alice.address, initiation, wire.now, first.out);
  ASSERT_EQ(first.out.stray_initiations.size(), 1u);
  EXPECT_TRUE(first.batch.empty());
  const OpenedInitiation opened = first.out.stray_initiations[0];
  EXPECT_EQ(opened.peer, alice_id);
  EXPECT_EQ(opened.peer.home(), 1);
  EXPECT_EQ(first.device->counters().stray_initiations.value(), 1u);

  second.device->receive(opened, wire.now, second.out);
  ASSERT_EQ(second.batch.runs().size(), 1u);
  EXPECT_EQ(second.batch.runs()[0].to, alice.address);
  Octets response = octets(second.batch.runs()[0].bytes);
  EXPECT_EQ(worker_of(load_le<std::uint32_t>(response.data() + 4)), 1);

  // The rest needs no hand-over: alice's messages name the second worker.
  alice.device->receive(first.address, response, wire.now, alice.out);
  wire.collect(alice);
  Octets data = wire.log.back().bytes;
  second.device->receive(alice.address, data, wire.now, second.out);
  ASSERT_EQ(second.out.packets.size(), 1u);
  EXPECT_EQ(second.out.packets[0].guest, alice_id);
  EXPECT_EQ(octets(second.out.packets[0].bytes), ping());
}

TEST_F(DeviceWorkersTest, MessageOfAnotherWorkersIndexIsAStray) {
  for (const auto& [type, size] : {std::pair{2, 92}, {3, 64}, {4, 32}, {4, 1452}}) {
    Octets bytes(static_cast<std::size_t>(size));
    bytes[0] = static_cast<std::uint8_t>(type);
    bytes[type == 2 ? 8 : 4] = 1;  // the low byte of the receiver's index
    first.device->receive(alice.address, bytes, wire.now, first.out);
    ASSERT_EQ(first.out.stray_datagrams.size(), 1u);
    EXPECT_EQ(first.out.stray_datagrams[0].home, 1);
    EXPECT_EQ(first.out.stray_datagrams[0].from, alice.address);
    EXPECT_EQ(first.out.stray_datagrams[0].bytes.data(), bytes.data());
    first.out.clear();
    second.device->receive(alice.address, bytes, wire.now, second.out);
    EXPECT_TRUE(second.out.stray_datagrams.empty());
  }
  EXPECT_EQ(first.device->counters().drops.total(), 0u);
  EXPECT_EQ(second.dropped(DropReason::kIndexUnknown), 4u);
  // Each is received once, where it belongs.
  EXPECT_EQ(first.device->counters().received_datagrams.value(), 0u);
  EXPECT_EQ(second.device->counters().received_datagrams.value(), 4u);
  EXPECT_EQ(second.device->counters().received_datagram_bytes.value(), 92u + 64 + 32 + 1452);
}

TEST_F(DeviceWorkersTest, ReplayedHandOverIsDropped) {
  Octets initiation = take_from_alice(ping());
  first.device->receive(alice.address, initiation, wire.now, first.out);
  const OpenedInitiation opened = first.out.stray_initiations[0];
  second.device->receive(opened, wire.now, second.out);
  second.device->receive(opened, wire.now + 1s, second.out);
  EXPECT_EQ(second.dropped(DropReason::kHandshakeReplayed), 1u);
  EXPECT_EQ(second.device->counters().responses_sent.value(), 1u);
}

TEST_F(DeviceWorkersTest, HandOverToAPeerThatHasGoneIsDropped) {
  Octets initiation = take_from_alice(ping());
  first.device->receive(alice.address, initiation, wire.now, first.out);
  second.device->remove_peer(alice_id);
  second.device->receive(first.out.stray_initiations[0], wire.now, second.out);
  EXPECT_EQ(second.dropped(DropReason::kHandshakeUnknownPeer), 1u);
  EXPECT_TRUE(second.batch.empty());
}

TEST_F(DeviceWorkersTest, ForgedTimestampIsFoundOutAtHome) {
  Octets initiation = take_from_alice(ping());
  first.device->receive(alice.address, initiation, wire.now, first.out);
  OpenedInitiation forged = first.out.stray_initiations[0];
  forged.sealed_timestamp[3] ^= 1;
  second.device->receive(forged, wire.now, second.out);
  EXPECT_EQ(second.dropped(DropReason::kHandshakeInvalid), 1u);
  second.device->receive(first.out.stray_initiations[0], wire.now, second.out);
  EXPECT_EQ(second.device->counters().responses_sent.value(), 1u);
}

}  // namespace
}  // namespace wgr::wireguard
