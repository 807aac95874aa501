#include "core/duration.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* text;
  std::optional<Duration> expected;
};

TEST(DurationTest, ReadsWhatOperatorsWriteAndNothingElse) {
  const Row rows[] = {
      {"0", 0ns},
      {"0s", 0ns},
      {"15s", 15s},
      {"250ms", 250ms},
      {"10us", 10us},
      {"7ns", 7ns},
      {"1h30m", 90min},
      {"2h5m", 125min},
      {"1.5s", 1500ms},
      {"0.000000001s", 1ns},
      {"1d", 24h},
      {"1m1s", 61s},
      {"", std::nullopt},
      {"10", std::nullopt},
      {"-1s", std::nullopt},
      {"s", std::nullopt},
      {"1", std::nullopt},
      {"1 s", std::nullopt},
      {"1.s", std::nullopt},
      {".5s", std::nullopt},
      {"1x", std::nullopt},
      {"1s2", std::nullopt},
      {"0x1s", std::nullopt},
      {"1e3s", std::nullopt},
      {"1.5ns", std::nullopt},
      {"99999999999999999999s", std::nullopt},
      {"106752d", std::nullopt},
      {"106751d24h", std::nullopt},
      {"+1s", std::nullopt},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_duration(row.text), row.expected) << row.text;
}

TEST(DurationTest, PrintedFormReadsBackExactly) {
  for (const Duration duration : {Duration{0}, Duration{1ns}, Duration{10ms}, Duration{125min}, Duration{90s},
                                  Duration{1h + 1ns}, Duration{1500us}, Duration::max()}) {
    EXPECT_EQ(parse_duration(to_string(duration)), duration) << to_string(duration);
  }
  EXPECT_EQ(to_string(125min), "2h5m");
  EXPECT_EQ(to_string(250ms), "250ms");
}

}  // namespace
}  // namespace wgr
