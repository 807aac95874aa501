#include "slirp/tcp/scoreboard.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::slirp::tcp {
namespace {

using testing::ElementsAre;

TEST(ScoreboardTest, JoinsWhatTouchesAndNamesTheNews) {
  Scoreboard board;
  const auto range = [](std::uint32_t a, std::uint32_t b) { return SeqRange{SeqNumber{a}, SeqNumber{b}}; };
  board.add(range(0xfffffff0, 0xfffffff8));
  board.add(range(8, 16));
  EXPECT_TRUE(board.add(range(8, 12)).news.is_empty());
  const auto added = board.add(range(0xfffffff0, 16));
  EXPECT_EQ(added.whole, range(0xfffffff0, 16));
  EXPECT_EQ(added.news, range(0xfffffff8, 8));
  EXPECT_THAT(board.ranges(), ElementsAre(range(0xfffffff0, 16)));
  board.advance(SeqNumber{4});
  EXPECT_THAT(board.ranges(), ElementsAre(range(4, 16)));
}

TEST(ScoreboardTest, AgreesWithASetOfNumbers) {
  const std::uint64_t seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed);
  Scoreboard board;
  std::set<std::uint32_t> model;  // relative to the start
  const SeqNumber start{0xffffff80};
  std::uint32_t una = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto begin = una + static_cast<std::uint32_t>(rng.below(300));
    const auto end = begin + 1 + static_cast<std::uint32_t>(rng.below(20));
    const auto added = board.add({start + begin, start + end});
    for (std::uint32_t n = begin; n < end; ++n) {
      const bool is_news = added.news.begin <= start + n && start + n < added.news.end;
      EXPECT_TRUE(model.count(n) == 1 || is_news) << n;
      model.insert(n);
    }
    if (rng.below(4) == 0) {
      una += static_cast<std::uint32_t>(rng.below(40));
      board.advance(start + una);
      model.erase(model.begin(), model.lower_bound(una));
    }
    std::size_t total = 0;
    for (const SeqRange& held : board.ranges()) total += held.size();
    ASSERT_EQ(total, model.size());
  }
}

}  // namespace
}  // namespace wgr::slirp::tcp
