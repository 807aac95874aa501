#include "slirp/tcp/ring.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

TEST(RingTest, BehavesLikeADeque) {
  constexpr std::uint64_t seed = 42;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Ring<std::string> ring;
  std::deque<std::string> model;
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t action = rng.below(8);
    if (action < 4) {
      ring.push_back(std::to_string(i));
      model.push_back(std::to_string(i));
    } else if (action == 4) {
      const std::size_t at = rng.below(model.size() + 1);
      ring.insert(at, std::to_string(i));
      model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), std::to_string(i));
    } else if (!model.empty() && action < 7) {
      const std::size_t count = rng.below(std::min<std::size_t>(model.size(), 3)) + 1;
      ring.pop_front(count);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
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

TEST(RingTest, ElementsLiveExactlyWhileTheyAreInIt) {
  const auto token = std::make_shared<int>();
  Ring<std::shared_ptr<int>> ring;
  for (int i = 0; i < 40; ++i) ring.push_back(token);  // grows twice
  EXPECT_EQ(token.use_count(), 41);
  ring.pop_front(17);
  ring.pop_back();
  EXPECT_EQ(token.use_count(), 23);
  EXPECT_EQ(ring.emplace_back(), nullptr) << "nothing is left of what was there";
  Ring<std::shared_ptr<int>> other = std::move(ring);
  EXPECT_EQ(other.size(), 23u);
  EXPECT_EQ(token.use_count(), 23);
  ring = Ring<std::shared_ptr<int>>{};
  EXPECT_TRUE(ring.empty());
  other = std::move(ring);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace wgr::slirp::tcp
