#include "core/log.h"

#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wgr::log {
namespace {

using namespace std::chrono_literals;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

// A log line as the operator sees it.
class LogTest : public testing::Test {
 protected:
  void TearDown() override { configure(Level::kInfo, Format::kText); }

  static std::string written(Format format, Level level, std::string_view message, Fields fields = {}) {
    configure(Level::kInfo, format);
    testing::internal::CaptureStderr();
    write(level, message, fields);
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, TextHasTimeLevelMessageAndFields) {
  const std::string line =
      written(Format::kText, Level::kWarn, "peer added", {{"peer", "abc"}, {"count", 3}, {"up", true}});
  EXPECT_THAT(line, ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warn "));
  EXPECT_THAT(line, EndsWith(" warn peer added peer=abc count=3 up=true\n"));
}

TEST_F(LogTest, TextQuotesValuesThatWouldBeReadAsMore) {
  EXPECT_THAT(
      written(Format::kText, Level::kInfo, "m", {{"a", "x y"}, {"b", "p=q"}, {"c", ""}, {"d", "say \"hi\""}}),
      EndsWith(" m a=\"x y\" b=\"p=q\" c=\"\" d=\"say \\\"hi\\\"\"\n"));
}

// Whoever chooses a value must not write lines of his own.
TEST_F(LogTest, ControlCharactersNeverReachTheTerminal) {
  for (const Format format : {Format::kText, Format::kJson}) {
    const std::string line = written(format, Level::kInfo, "a\nb", {{"key", "x\ny\x1b[31m\r\t\x7f"}});
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
    EXPECT_EQ(line.back(), '\n');
    for (const char c : line.substr(0, line.size() - 1)) {
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
      EXPECT_NE(c, 0x7f) << line;
    }
  }
}

TEST_F(LogTest, JsonIsOneObjectWithTypedValues) {
  const std::string line = written(Format::kJson, Level::kError, "it \"broke\"",
                                   {{"port", 80}, {"ratio", 0.5}, {"ok", false}, {"why", "a\\b"}});
  EXPECT_THAT(line, ContainsRegex("^\\{\"time\":\"[0-9T:.-]+Z\",\"level\":\"error\","));
  EXPECT_THAT(
      line,
      EndsWith(
          ",\"msg\":\"it \\\"broke\\\"\",\"port\":80,\"ratio\":0.500000,\"ok\":false,\"why\":\"a\\\\b\"}\n"));
}

TEST_F(LogTest, LevelsBelowTheConfiguredOneAreSilent) {
  EXPECT_THAT(written(Format::kText, Level::kDebug, "quiet"), IsEmpty());
  EXPECT_THAT(written(Format::kText, Level::kInfo, "loud"), HasSubstr("loud"));
  configure(Level::kError, Format::kText);
  EXPECT_FALSE(is_enabled(Level::kWarn));
  EXPECT_TRUE(is_enabled(Level::kError));
  configure(Level::kTrace, Format::kText);
  EXPECT_TRUE(is_enabled(Level::kTrace));
}

TEST(LogLevelTest, NamesAreTheOnesOfTheManual) {
  EXPECT_EQ(parse_level("trace"), Level::kTrace);
  EXPECT_EQ(parse_level("debug"), Level::kDebug);
  EXPECT_EQ(parse_level("info"), Level::kInfo);
  EXPECT_EQ(parse_level("warn"), Level::kWarn);
  EXPECT_EQ(parse_level("warning"), Level::kWarn);
  EXPECT_EQ(parse_level("error"), Level::kError);
  for (const char* text : {"", "INFO", "warnings", "1", "fatal"})
    EXPECT_EQ(parse_level(text), std::nullopt) << text;
}

TEST(LogRateLimitTest, BurstPassesAndTheRestIsCounted) {
  RateLimit limit{2, 10s};
  std::uint64_t suppressed = 7;
  Instant now{1h};
  EXPECT_TRUE(limit.allow(now, suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_TRUE(limit.allow(now, suppressed));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limit.allow(now + 9s, suppressed));

  EXPECT_TRUE(limit.allow(now + 10s, suppressed));
  EXPECT_EQ(suppressed, 5u);
  EXPECT_TRUE(limit.allow(now + 20s, suppressed));
  EXPECT_EQ(suppressed, 0u) << "told once";
}

TEST(LogRateLimitTest, FirstLineOfTheProcessPasses) {
  RateLimit limit{1, 30s};
  std::uint64_t suppressed = 0;
  EXPECT_TRUE(limit.allow(Instant{}, suppressed));
  EXPECT_FALSE(limit.allow(Instant{1s}, suppressed));
}

}  // namespace
}  // namespace wgr::log
