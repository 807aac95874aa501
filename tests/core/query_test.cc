#include "core/query.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

TEST(QueryTest, FirstParameterOfThatNameIsTheOne) {
  const std::tuple<std::string_view, std::string_view, std::optional<std::string_view>> rows[] = {
      {"", "a", std::nullopt},
      {"a=1", "a", "1"},
      {"a=1&b=2", "b", "2"},
      {"b=2&a=1&a=3", "a", "1"},
      {"a", "a", ""},
      {"a=", "a", ""},
      {"&&a=1&", "a", "1"},
      {"aa=1&xa=2", "a", std::nullopt},
      {"a=b=c", "a", "b=c"},
      {"A=1", "a", std::nullopt},
      {"%61=1", "a", std::nullopt},
      {"a=%41+b", "a", "%41+b"},
      {"=1", "a", std::nullopt},
  };
  for (const auto& [query, name, expected] : rows) EXPECT_EQ(query_value(query, name), expected) << query;
}

// RFC 3986 2.1
TEST(QueryTest, EscapesAreDecodedAndTheRestStays) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},         {"plain", "plain"}, {"%41%2f%2F", "A//"}, {"a%20b+c", "a b+c"},
      {"%", "%"},       {"%4", "%4"},       {"%4g", "%4g"},       {"%%41", "%A"},
      {"%2541", "%41"}, {"100%", "100%"},   {"%x41", "%x41"},
  };
  for (const auto& [text, decoded] : rows) EXPECT_EQ(decode_percent(text), decoded);
  EXPECT_EQ(decode_percent("a%00b"), std::string("a\0b", 3));
}

}  // namespace
}  // namespace wgr
