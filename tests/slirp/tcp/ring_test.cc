#include "slirp/tcp/ring.h"

#include <deque>
#include <string>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

TEST(RingTest, BehavesLikeADeque) {
  const std::uint64_t seed = 42;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Ring<std::string> ring;
  std::deque<std::string> model;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t action = rng.below(8);
    if (action < 3) {
      ring.push_back(std::to_string(i));
      model.push_back(std::to_string(i));
    } else if (action == 3) {
      const std::size_t at = rng.below(model.size() + 1);
      ring.insert(at, std::to_string(i));
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), std::to_string(i));
    } else if (!model.empty() && action < 7) {
      ring.pop_front();
      model.pop_front();
    } else if (!model.empty()) {
      ring.pop_back();
      model.pop_back();
    }
    ASSERT_EQ(ring.size(), model.size());
    if (model.empty()) continue;
    const std::size_t at = rng.below(model.size());
    ASSERT_EQ(ring[at], model[at]);
    ASSERT_EQ(ring.at(ring.position(at)), model[at]);
    ASSERT_EQ(ring.index_of(ring.position(at)), at);
  }
}

}  // namespace
}  // namespace wgr::slirp::tcp
