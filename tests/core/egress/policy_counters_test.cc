#include "core/egress/policy_counters.h"

#include <map>
#include <string>

#include "gtest/gtest.h"

namespace wgr::egress {
namespace {

std::map<std::string, std::uint64_t> read(const PolicyCounters& counters) {
  std::map<std::string, std::uint64_t> values;
  counters.visit([&values](std::string_view rule, const Counter& counter) {
    if (counter.value() != 0) values.emplace(rule, counter.value());
  });
  return values;
}

TEST(PolicyCountersTest, RefusalsAreCountedByWhatSpokeAgainstThem) {
  std::string error;
  Policy::Settings settings;
  settings.global.deny = {Rule::parse("any:25/tcp", error).value()};
  settings.own_sockets = {SocketAddress::parse("192.0.2.1:51820").value()};
  const Policy policy{settings};
  PolicyCounters counters;
  const auto ask = [&](const char* to) {
    return counters.count(policy.check({}, Protocol::kTcp, SocketAddress::parse(to).value())).is_allowed;
  };

  EXPECT_TRUE(ask("1.1.1.1:443"));
  EXPECT_FALSE(ask("1.1.1.1:0"));
  EXPECT_FALSE(ask("1.1.1.1:25"));
  EXPECT_FALSE(ask("192.0.2.1:51820"));
  EXPECT_FALSE(ask("127.0.0.1:80"));
  EXPECT_FALSE(ask("10.0.0.1:80"));
  EXPECT_FALSE(ask("10.0.0.2:80"));

  const std::map<std::string, std::uint64_t> expected{
      {"port", 1}, {"user", 1}, {"self", 1}, {"loopback", 1}, {"private", 2}};
  EXPECT_EQ(read(counters), expected);
}

}  // namespace
}  // namespace wgr::egress
