#include "slirp/lan/free_addresses.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace wgr::slirp::lan {
namespace {

TEST(FreeAddresses, NoneAreFreeWithoutAPool) {
  const FreeAddresses free;

  EXPECT_TRUE(free.empty());
  EXPECT_FALSE(free.contains(1));
  EXPECT_EQ(free.next(1), std::nullopt);
}

TEST(FreeAddresses, TheNextOneWrapsAround) {
  FreeAddresses free{10, 12};
  EXPECT_TRUE(free.take(12));

  EXPECT_EQ(free.next(11), 11u);
  EXPECT_EQ(free.next(12), 10u);
  EXPECT_EQ(free.next(500), 10u);
  EXPECT_EQ(free.next(0), 10u);
}

TEST(FreeAddresses, TheEndsOfTheNumbersAreAddressesToo) {
  FreeAddresses free{0, 0xffffffff};
  EXPECT_TRUE(free.take(0));
  EXPECT_TRUE(free.take(0xffffffff));
  EXPECT_FALSE(free.take(0));

  EXPECT_EQ(free.next(0xffffffff), 1u);
  free.give_back(0xffffffff);
  free.give_back(0);
  EXPECT_EQ(free.next(0xffffffff), 0xffffffff);
  EXPECT_EQ(free.next(0), 0u);
}

TEST(FreeAddresses, AgreesWithASet) {
  constexpr unsigned kSeed = 20210;
  SCOPED_TRACE(kSeed);
  std::mt19937 random{kSeed};
  constexpr std::uint32_t kFirst = 100;
  constexpr std::uint32_t kLast = 139;
  FreeAddresses free{kFirst, kLast};
  std::set<std::uint32_t> model;
  for (std::uint32_t address = kFirst; address <= kLast; ++address) model.insert(address);

  for (int step = 0; step < 20000; ++step) {
    const std::uint32_t address = 95 + random() % 50;
    const bool is_of_pool = address >= kFirst && address <= kLast;
    if (random() % 2 == 0) {
      ASSERT_EQ(free.take(address), model.erase(address) == 1);
    } else if (is_of_pool && model.insert(address).second) {
      free.give_back(address);
    }
    const std::uint32_t from = 90 + random() % 60;
    auto expected = model.lower_bound(from);
    if (expected == model.end()) expected = model.begin();
    ASSERT_EQ(free.empty(), model.empty());
    ASSERT_EQ(free.next(from), model.empty() ? std::nullopt : std::optional{*expected});
    ASSERT_EQ(free.contains(from), model.contains(from));
  }
}

}  // namespace
}  // namespace wgr::slirp::lan
