#include "cmd/snapshot.h"

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
  const std::map<WorkerIndex, std::vector<wireguard::Device::PeerStatus>> peers{
      {0, {peer_with_handshake(10s), peer_with_handshake(1000s)}},
      {1, {peer_with_handshake(170s), wireguard::Device::PeerStatus{}}}};
  const metrics::HandshakeDetail seen = take_snapshot({}, peers).handshakes;

  EXPECT_EQ(seen.peers, 4u);
  EXPECT_EQ(seen.fresh, 2u);
  EXPECT_EQ(seen.stale, 1u);
  EXPECT_NEAR(static_cast<double>(seen.newest_seconds), 10, 5);
  EXPECT_NEAR(static_cast<double>(seen.oldest_seconds), 1000, 5);
}

}  // namespace
}  // namespace wgr
