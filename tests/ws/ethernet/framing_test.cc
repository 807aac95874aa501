#include "ws/ethernet/framing.h"

#include <string>

#include "gtest/gtest.h"

#include "core/rng.h"
#include "tests/ws/frames.h"

namespace wgr::ws::ethernet {
namespace {

using namespace std::string_literals;

class QemuStreamTest : public testing::Test {
 protected:
  // One message; the frames it completed.
  std::vector<std::string> receive(std::string message) {
    std::vector<MutableBytes> frames;
    is_sound_ = stream_.receive({reinterpret_cast<std::uint8_t*>(message.data()), message.size()}, frames);
    std::vector<std::string> texts;
    for (const MutableBytes frame : frames) texts.push_back(text_of(frame));
    stream_.end_turn();
    return texts;
  }
  static std::string encoded(std::string_view frame) {
    return text_of(qemu_length(frame.size())).append(frame);
  }

  QemuStream stream_;
  bool is_sound_ = true;
};

using Frames = std::vector<std::string>;

TEST_F(QemuStreamTest, FramesMayShareAMessage) {
  EXPECT_EQ(receive(encoded("one") + encoded("two") + encoded("three")), (Frames{"one", "two", "three"}));
}

// container2wasm's glue sends them so.
TEST_F(QemuStreamTest, LengthAndFrameMayComeApart) {
  EXPECT_EQ(receive("\0\0\0\x0e"s), Frames{});
  EXPECT_EQ(receive("fourteen bytes"), Frames{"fourteen bytes"});
}

TEST_F(QemuStreamTest, WholeFramesAreViewsIntoTheMessage) {
  std::string message = encoded("one");
  std::vector<MutableBytes> frames;
  EXPECT_TRUE(stream_.receive({reinterpret_cast<std::uint8_t*>(message.data()), message.size()}, frames));
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(static_cast<void*>(frames[0].data()), static_cast<void*>(message.data() + kQemuLengthSize));
}

TEST_F(QemuStreamTest, FramesOfOneTurnStayValidTogether) {
  const std::string wire = encoded(std::string(3000, 'a')) + encoded(std::string(100, 'b'));
  std::vector<std::string> pieces{wire.substr(0, 1000), wire.substr(1000, 2050), wire.substr(3050)};
  std::vector<MutableBytes> frames;
  for (std::string& piece : pieces) {
    EXPECT_TRUE(stream_.receive({reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()}, frames));
  }
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(text_of(frames[0]), std::string(3000, 'a'));
  EXPECT_EQ(text_of(frames[1]), std::string(100, 'b'));
}

TEST_F(QemuStreamTest, NothingIsLeftOutAndRuntsPass) {
  EXPECT_EQ(receive(encoded("") + encoded("r") + encoded("")), Frames{"r"});
}

TEST_F(QemuStreamTest, LongestFramePassesAndALongerOneEndsTheStream) {
  const std::string longest(kMaxFrame, 'x');
  EXPECT_EQ(receive(encoded(longest)), Frames{longest});
  EXPECT_TRUE(is_sound_);
  EXPECT_EQ(receive(encoded("good") + "\0\1\0\x12"s + "data"), Frames{"good"});
  EXPECT_FALSE(is_sound_);
  EXPECT_EQ(receive(encoded("late")), Frames{});
  EXPECT_FALSE(is_sound_);
}

TEST_F(QemuStreamTest, CutsChangeNothing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{seed};
    Frames sent;
    std::string wire;
    for (int i = 0; i < 50; ++i) {
      sent.emplace_back(1 + rng.below(i % 10 == 0 ? 60'000 : 1514), char('a' + i % 26));
      wire += encoded(sent.back());
    }
    Frames received;
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t size = 1 + rng.below(3000);
      for (std::string& frame : receive(wire.substr(at, size))) received.push_back(std::move(frame));
      at += size;
    }
    EXPECT_EQ(received, sent);
  }
}

TEST(PingTextTest, OnlyShortPingsAreAnswered) {
  ASSERT_TRUE(ping_payload(bytes_of("ping:1234")));
  EXPECT_EQ(text_of(*ping_payload(bytes_of("ping:1234"))), "1234");
  EXPECT_EQ(text_of(*ping_payload(bytes_of("ping:"))), "");
  EXPECT_FALSE(ping_payload(bytes_of("ping")));
  EXPECT_FALSE(ping_payload(bytes_of("PING:1")));
  EXPECT_FALSE(ping_payload(bytes_of("")));
  EXPECT_FALSE(ping_payload(bytes_of("ping:" + std::string(kMaxPing, 'x'))));
}

}  // namespace
}  // namespace wgr::ws::ethernet
