#include "slirp/tcp/receive_window.h"

#include <algorithm>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

TEST(ReceiveWindowTest, EdgeNeverMovesLeftWhateverTheScale) {
  const std::uint64_t seed = 5;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  for (std::uint8_t scale = 0; scale <= 14; ++scale) {
    ReceiveWindow window{100000, 1 << 23};
    SeqNumber next{0xfffff000};
    window.start(next, 65535);
    window.set_scale(scale);
    SeqNumber edge = window.edge();
    for (int i = 0; i < 2000; ++i) {
      const auto offer = window.offer(next, rng.below(120000), rng.below(4) == 0 ? 0 : 1 << 24, 1000);
      const SeqNumber told = next + (std::size_t{offer.field} << scale);
      ASSERT_TRUE(told >= edge);
      ASSERT_EQ(told, offer.edge);
      window.offered(offer);
      edge = told;
      next += rng.below(std::min<std::size_t>(SeqNumber::distance(next, edge), 3000) + 1);
    }
  }
}

}  // namespace
}  // namespace wgr::slirp::tcp
