#include "slirp/lan/station_name.h"

#include <gtest/gtest.h>

namespace wgr::slirp::lan {
namespace {

using namespace std::string_view_literals;

// Numbered: what is said, and the name that becomes of it.
TEST(StationName, IsOneLabelOfLettersDigitsAndHyphens) {
  const std::string longest(63, 'a');
  const struct {
    std::string_view said;
    std::string_view name;
  } kCases[] = {
      /* 1 */ {"v86", "v86"},
      /* 2 */ {"My-Laptop", "my-laptop"},
      /* 3 */ {"host.example.com", "host"},
      /* 4 */ {"my_old box", "my-old-box"},
      /* 5 */ {"-x-", "x"},
      /* 6 */ {"name\0"sv, "name"},
      /* 7 */ {"a\"b\nc", "abc"},
      /* 8 */ {"", ""},
      /* 9 */ {"(none)", "none"},
      /* 10 */ {"\xc3\xa4\xc3\xb6", ""},
      /* 11 */ {"WPAD", ""},
      /* 12 */ {"localhost.localdomain", ""},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    EXPECT_EQ(station_name(c.said), c.name);
  }
  EXPECT_EQ(station_name(std::string(300, 'a')), longest);
  EXPECT_EQ(station_name(std::string(62, 'a') + "-b"), std::string(62, 'a'));
}

}  // namespace
}  // namespace wgr::slirp::lan
