#include "ws/out_queue.h"

#include <algorithm>
#include <deque>
#include <string>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr::ws {
namespace {

using Kind = OutQueue::Kind;

class OutQueueTest : public testing::Test {
 protected:
  bool push(std::string_view frame, Kind kind = Kind::kMessage) {
    const MutableBytes room = queue_.push(kind, frame.size());
    std::copy_n(frame.begin(), room.size(), room.begin());
    return !room.empty();
  }
  std::string pending() {
    std::vector<Bytes> pieces(100);
    pieces.resize(queue_.pending(pieces));
    std::string all;
    for (const Bytes piece : pieces) all.append(piece.begin(), piece.end());
    return all;
  }

  ChunkPool pool_;
  OutQueue queue_{pool_, 100};
};

TEST_F(OutQueueTest, FramesLeaveInOrder) {
  push("one");
  push("two", Kind::kControl);
  push("three");
  EXPECT_EQ(pending(), "onetwothree");
  EXPECT_EQ(queue_.bytes(), 11u);
  queue_.consume(4);
  EXPECT_EQ(pending(), "wothree");
  queue_.consume(7);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.tally().messages_sent, 2u);
  EXPECT_EQ(queue_.tally().bytes_sent, 11u);
}

TEST_F(OutQueueTest, ManySmallFramesAreOnePiece) {
  for (int i = 0; i < 30; ++i) push("abc");
  Bytes pieces[4];
  ASSERT_EQ(queue_.pending(pieces), 1u);
  EXPECT_EQ(pieces[0].size(), 90u);
}

TEST_F(OutQueueTest, OldestMessageGivesWay) {
  push(std::string(40, 'a'));
  push(std::string(40, 'b'));
  EXPECT_TRUE(push(std::string(40, 'c')));
  EXPECT_EQ(pending(), std::string(40, 'b') + std::string(40, 'c'));
  EXPECT_EQ(queue_.tally().messages_dropped, 1u);
  EXPECT_EQ(queue_.tally().bytes_dropped, 40u);
}

TEST_F(OutQueueTest, BegunMessageIsFinished) {
  push(std::string(40, 'a'));
  push(std::string(40, 'b'));
  queue_.consume(1);
  push(std::string(60, 'c'));
  EXPECT_EQ(pending(), std::string(39, 'a') + std::string(60, 'c'));
  EXPECT_FALSE(push(std::string(62, 'd')));
  EXPECT_EQ(pending(), std::string(39, 'a'));
}

TEST_F(OutQueueTest, MessageLongerThanTheQueueLeavesTheOthersAlone) {
  push("stays");
  EXPECT_FALSE(push(std::string(101, 'x')));
  EXPECT_EQ(pending(), "stays");
}

TEST_F(OutQueueTest, ControlFramesAreNeverDropped) {
  push("P", Kind::kControl);
  push(std::string(90, 'a'));
  push("Q", Kind::kControl);
  push(std::string(90, 'b'));
  EXPECT_EQ(pending(), "PQ" + std::string(90, 'b'));
  EXPECT_TRUE(push(std::string(200, 'C'), Kind::kControl));
}

TEST_F(OutQueueTest, OldestPongGivesWay) {
  for (std::size_t i = 0; i < kMaxWaitingPongs + 3; ++i) push(std::string(1, char('a' + i)), Kind::kPong);
  EXPECT_EQ(pending(), "defghijklmnopqrs");
  EXPECT_EQ(queue_.tally().messages_dropped, 0u);
}

TEST_F(OutQueueTest, EmptyQueueGivesItsMemoryBack) {
  push("x");
  EXPECT_EQ(pool_.spare(), 0u);
  queue_.consume(1);
  EXPECT_EQ(pool_.spare(), 1u);
  push("y");
  EXPECT_EQ(pool_.spare(), 0u);
  queue_.clear();
  EXPECT_EQ(pool_.spare(), 1u);
  EXPECT_EQ(queue_.tally().messages_dropped, 1u);
}

TEST_F(OutQueueTest, PoolKeepsNoMoreThanItsBound) {
  ChunkPool pool{2};
  {
    OutQueue queue{pool, 200'000};
    for (int i = 0; i < 100; ++i) queue.push(Kind::kMessage, 1500);
  }
  EXPECT_EQ(pool.spare(), 2u);
}

// A client that takes nothing: dropped messages give their memory back while the first is stuck.
TEST_F(OutQueueTest, StuckQueueHoldsBoundedMemory) {
  ChunkPool pool{1000};
  OutQueue queue{pool, 64 * 1024};
  for (int i = 0; i < 10'000; ++i) {
    queue.push(Kind::kMessage, 1500);
    if (i == 0) queue.consume(1);
  }
  EXPECT_LE(queue.bytes(), 64u * 1024);
  queue.clear();
  EXPECT_LE(pool.spare(), 7u);
}

// Against the obvious queue of strings.
TEST_F(OutQueueTest, AgreesWithANaiveModel) {
  struct Frame {
    Kind kind;
    std::string bytes;
  };
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{seed};
    ChunkPool pool;
    constexpr std::size_t kBound = 100'000;
    OutQueue queue{pool, kBound};
    std::deque<Frame> model;
    std::size_t taken = 0;  // of the first
    std::size_t bytes = 0;
    for (int step = 0; step < 2000; ++step) {
      if (rng.below(4) != 0) {
        const Kind kind = rng.below(20) == 0 ? Kind::kControl : Kind::kMessage;
        const std::string frame(1 + rng.below(rng.below(10) == 0 ? 70'000 : 1600), char('a' + step % 26));
        if (kind == Kind::kMessage) {
          for (std::size_t i = taken > 0 ? 1 : 0; i < model.size() && bytes + frame.size() > kBound;) {
            if (model[i].kind == Kind::kMessage) {
              bytes -= model[i].bytes.size();
              model.erase(model.begin() + static_cast<std::ptrdiff_t>(i));
            } else {
              ++i;
            }
          }
        }
        const MutableBytes room = queue.push(kind, frame.size());
        std::copy_n(frame.begin(), room.size(), room.begin());
        const bool fits = kind == Kind::kControl || bytes + frame.size() <= kBound;
        ASSERT_EQ(!room.empty(), fits);
        if (fits) {
          bytes += frame.size();
          model.push_back({kind, frame});
        }
      } else {
        std::size_t size = rng.below(bytes + 1);
        queue.consume(size);
        bytes -= size;
        while (size > 0) {
          const std::size_t step_size = std::min(size, model.front().bytes.size() - taken);
          taken += step_size;
          size -= step_size;
          if (taken == model.front().bytes.size()) {
            model.pop_front();
            taken = 0;
          }
        }
      }
      ASSERT_EQ(queue.bytes(), bytes);
    }
    std::string expected;
    for (const Frame& frame : model) expected += frame.bytes;
    expected.erase(0, taken);
    std::vector<Bytes> pieces(1000);
    pieces.resize(queue.pending(pieces));
    std::string written;
    for (const Bytes piece : pieces) written.append(piece.begin(), piece.end());
    ASSERT_EQ(written, expected);
  }
}

}  // namespace
}  // namespace wgr::ws
