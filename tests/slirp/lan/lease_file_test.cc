#include "slirp/lan/lease_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wgr::slirp::lan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::string_view_literals;

constexpr MacAddress kMac{{2, 0, 0x5e, 0x10, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0x5e, 0x10, 0, 2}};

WallTime at(std::int64_t seconds) { return WallTime{std::chrono::seconds{seconds}}; }

std::vector<NetworkLeases> two_networks() {
  return {
      {"default",
       {{IpAddress::v4(10, 86, 1, 20), kMac, std::string{"\x01\xff\x00z", 4}, "laptop", at(1'700'003'600)},
        {IpAddress::v4(10, 86, 1, 21), kOther, "", "", WallTime::max()}}},
      {"lab one", {{IpAddress::v4(10, 86, 2, 20), kMac, "", "box", at(5)}}}};
}

TEST(LeaseFileTest, WhatIsPrintedIsReadBack) {
  const LeaseFile file = parse_lease_file(print_lease_file(two_networks()));

  EXPECT_TRUE(file.faults.empty());
  EXPECT_EQ(file.networks, two_networks());
  EXPECT_EQ(file.leases_of("lab one"), two_networks()[1].leases);
  EXPECT_TRUE(file.leases_of("unknown").empty());
}

TEST(LeaseFileTest, IsReadByPeople) {
  EXPECT_EQ(print_lease_file(two_networks()),
            "# wgrouter leases 1\n"
            "network default\n"
            "1700003600 02:00:5e:10:00:01 10.86.1.20 laptop 01:ff:00:7a\n"
            "0 02:00:5e:10:00:02 10.86.1.21 * *\n"
            "network lab one\n"
            "5 02:00:5e:10:00:01 10.86.2.20 box *\n");
}

TEST(LeaseFileTest, ReadsAFileOfDnsmasq) {
  const LeaseFile file = parse_lease_file(
      "1700003600 02:00:5e:10:00:01 10.86.1.20 laptop 01:02:00:5e:10:00:01\n"
      "duid 00:01:00:01:2c:ff\n"
      "0 02:00:5e:10:00:02 10.86.1.21 * *\n");

  EXPECT_EQ(file.leases_of("default").size(), 2u);
  EXPECT_THAT(file.faults, ElementsAre(StartsWith("line 2: ")));
}

// Numbered: lines that are passed over, and what is said of them.
TEST(LeaseFileTest, EveryFaultIsToldAndNoneIsFatal) {
  const struct {
    std::string_view line;
    std::string_view said;
  } kCases[] = {
      /* 1 */ {"x 02:00:5e:10:00:01 10.0.0.1 * *", "expiry"},
      /* 2 */ {"-1 02:00:5e:10:00:01 10.0.0.1 * *", "expiry"},
      /* 3 */ {"99999999999999 02:00:5e:10:00:01 10.0.0.1 * *", "expiry"},
      /* 4 */ {"1 02:00:5e:10:00 10.0.0.1 * *", "MAC"},
      /* 5 */ {"1 ff:ff:ff:ff:ff:ff 10.0.0.1 * *", "MAC"},
      /* 6 */ {"1 02:00:5e:10:00:01 10.0.0 * *", "IPv4"},
      /* 7 */ {"1 02:00:5e:10:00:01 fd00::1 * *", "IPv4"},
      /* 8 */ {"1 02:00:5e:10:00:01 10.0.0.1", "host name"},
      /* 9 */ {"1 02:00:5e:10:00:01 10.0.0.1 *", "client identifier"},
      /* 10 */ {"1 02:00:5e:10:00:01 10.0.0.1 * 0", "client identifier"},
      /* 11 */ {"1 02:00:5e:10:00:01 10.0.0.1 * 01-02", "client identifier"},
      /* 12 */ {"1 02:00:5e:10:00:01 10.0.0.1 * * more", "too many"},
      /* 13 */ {"170000360", "MAC"},  // a file that was cut
      /* 14 */ {"\x00\xff\x7f"sv, "expiry"},
  };
  int number = 0;
  for (const auto& c : kCases) {
    SCOPED_TRACE(++number);
    const std::string text =
        "# wgrouter leases 1\n" + std::string{c.line} + "\n7 02:00:5e:10:00:02 10.0.0.2 * *\n";
    const LeaseFile file = parse_lease_file(text);
    EXPECT_THAT(file.faults,
                ElementsAre(testing::AllOf(StartsWith("line 2: "), HasSubstr(std::string{c.said}))));
    EXPECT_EQ(file.leases_of("default").size(), 1u);
  }
}

TEST(LeaseFileTest, ManyFaultsAreCounted) {
  std::string text;
  for (int i = 0; i < 25; ++i) text += "garbage\n";
  const LeaseFile file = parse_lease_file(text);

  ASSERT_EQ(file.faults.size(), kMaxLeaseFaults + 1);
  EXPECT_EQ(file.faults.back(), "and 15 lines more");
}

TEST(LeaseFileTest, AnotherVersionIsLeftAlone) {
  const LeaseFile file = parse_lease_file(
      "1 02:00:5e:10:00:01 10.0.0.1 * *\n# wgrouter leases 2\n1 02:00:5e:10:00:01 10.0.0.1 * *\n");

  EXPECT_TRUE(file.is_foreign);
  EXPECT_TRUE(file.networks.empty());
  EXPECT_THAT(file.faults, ElementsAre(HasSubstr("version")));
}

TEST(LeaseFileTest, LinesMayEndAsOnWindowsAndTheLastNotAtAll) {
  const LeaseFile file =
      parse_lease_file("# note\r\n\r\n7 02:00:5E:10:00:02 10.0.0.2 Box.example *\r\nnetwork a");

  EXPECT_TRUE(file.faults.empty());
  ASSERT_EQ(file.leases_of("default").size(), 1u);
  EXPECT_EQ(file.leases_of("default")[0].host_name, "box");
}

TEST(LeaseFileTest, WhatNoLineCanHoldIsNotPrinted) {
  const Lease lease{IpAddress::v4(10, 0, 0, 2), kMac, "", "a b\nc", at(-7)};
  const std::string text =
      print_lease_file({{"two\nlines", {lease}}, {" blank", {lease}}, {"empty", {}}, {"ok", {lease}}});

  EXPECT_EQ(text, "# wgrouter leases 1\nnetwork ok\n1 02:00:5e:10:00:01 10.0.0.2 a-bc *\n");
}

}  // namespace
}  // namespace wgr::slirp::lan
