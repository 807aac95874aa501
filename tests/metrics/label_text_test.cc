#include "metrics/label_text.h"

#include "gtest/gtest.h"

namespace wgr::metrics {
namespace {

constexpr const char* kReplaced = "\xEF\xBF\xBD";

TEST(LabelTextTest, TextStaysAsItIs) {
  for (const char* text : {"", "laptop", "a\"b\\c\nd", "Zo\xC3\xAB", "\xE2\x82\xAC", "\xF0\x9F\x90\x88"}) {
    EXPECT_EQ(label_text(text), text);
  }
}

TEST(LabelTextTest, ControlCharactersAreReplaced) {
  EXPECT_EQ(label_text("a\tb"), std::string{"a"} + kReplaced + "b");
  EXPECT_EQ(label_text(std::string_view{"\0", 1}), kReplaced);
  EXPECT_EQ(label_text("\x7F"), kReplaced);
}

// Unicode, table 3-7: over-long forms, surrogates and what is beyond U+10FFFF are not well-formed.
TEST(LabelTextTest, WhatIsNotUtf8IsReplaced) {
  for (const char* text :
       {"\x80", "\xFF", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    std::string expected;
    for (std::size_t i = 0; i < std::string_view{text}.size(); ++i) expected += kReplaced;
    EXPECT_EQ(label_text(text), expected);
  }
  EXPECT_EQ(label_text("\xE2\x82x"), std::string{kReplaced} + kReplaced + "x");
}

}  // namespace
}  // namespace wgr::metrics
