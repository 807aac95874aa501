#include "wireguard/messages.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace wgr::wireguard {
namespace {

// Whitepaper 5.4.6, and what Linux does with the MTU.
std::size_t naive_padding(std::size_t packet_size, std::size_t mtu) {
  const std::size_t last = mtu != 0 && packet_size > mtu ? packet_size % mtu : packet_size;
  std::size_t padded = last;
  while (padded % 16 != 0 && (mtu == 0 || padded < mtu)) ++padded;
  return padded - last;
}

TEST(PaddingTest, ReachesAMultipleOf16WithoutPassingTheMtu) {
  for (const std::size_t mtu : {0u, 1u, 68u, 576u, 1280u, 1420u, 1423u, 1424u, 65535u}) {
    for (std::size_t size = 0; size < 4400; ++size) {
      ASSERT_EQ(padding_for(size, mtu), naive_padding(size, mtu)) << size << " of " << mtu;
    }
  }
}

}  // namespace
}  // namespace wgr::wireguard
