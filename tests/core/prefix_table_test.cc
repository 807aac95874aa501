#include "core/prefix_table.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/rng.h"

namespace wgr {
namespace {

using Table = PrefixTable<int>;

Prefix prefix(const char* text) {
  const auto parsed = Prefix::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Prefix{});
}

IpAddress address(const char* text) {
  const auto parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(IpAddress{});
}

std::optional<int> lookup(const Table& table, const char* text) {
  const int* const found = table.lookup(address(text));
  return found == nullptr ? std::nullopt : std::optional{*found};
}

std::vector<std::string> prefixes_of(const Table& table, int value) {
  std::vector<std::string> list;
  table.for_each([&](const Prefix& each, int owner) {
    if (owner == value) list.push_back(each.to_string());
  });
  return list;
}

// The model: every prefix in a map, a lookup looks at all of them.
class LinearModel {
 public:
  void insert(const Prefix& each, int value) { entries_[each] = value; }
  bool erase(const Prefix& each) { return entries_.erase(each) == 1; }
  std::size_t erase_value(int value) {
    return std::erase_if(entries_, [&](const auto& entry) { return entry.second == value; });
  }
  std::optional<int> lookup(const IpAddress& ip) const {
    std::optional<int> best;
    int best_length = -1;
    for (const auto& [each, value] : entries_) {
      if (each.contains(ip) && static_cast<int>(each.length()) > best_length) {
        best = value;
        best_length = static_cast<int>(each.length());
      }
    }
    return best;
  }
  const std::map<Prefix, int>& entries() const { return entries_; }

 private:
  std::map<Prefix, int> entries_;
};

enum Owner { kA = 1, kB, kC, kD, kE, kF, kG, kH };

// The static table every WireGuard implementation checks itself with.
Table known_table() {
  Table table;
  table.insert(prefix("192.168.4.0/24"), kA);
  table.insert(prefix("192.168.4.4/32"), kB);
  table.insert(prefix("192.168.0.0/16"), kC);
  table.insert(prefix("192.95.5.64/27"), kD);
  table.insert(prefix("192.95.5.65/27"), kC);  // host bits are dropped: replaces the one before
  table.insert(prefix("0.0.0.0/0"), kE);
  table.insert(prefix("64.15.112.0/20"), kG);
  table.insert(prefix("64.15.123.211/25"), kH);
  table.insert(prefix("10.0.0.0/25"), kA);
  table.insert(prefix("10.0.0.128/25"), kB);
  table.insert(prefix("10.1.0.0/30"), kA);
  table.insert(prefix("10.1.0.4/30"), kB);
  table.insert(prefix("10.1.0.8/29"), kC);
  table.insert(prefix("10.1.0.16/29"), kD);
  table.insert(prefix("2607:5300:6000:6b00:0:0:c05f:543/128"), kD);
  table.insert(prefix("2607:5300:6006:6b00::/64"), kC);
  table.insert(prefix("::/0"), kE);
  table.insert(prefix("::/0"), kF);  // replaced
  table.insert(prefix("2404:6800::/32"), kG);
  table.insert(prefix("2404:6800:4004:800:dead:beef:dead:beef/64"), kH);
  table.insert(prefix("2404:6800:4004:800:dead:beef:dead:beef/128"), kA);
  table.insert(prefix("2404:6800:4800::/37"), kB);
  table.insert(prefix("2404:6800:4abc:1234::/70"), kC);
  return table;
}

TEST(PrefixTableTest, LongestPrefixWins) {
  const Table table = known_table();
  const std::pair<const char*, int> kExpected[] = {
      {"192.168.4.20", kA},
      {"192.168.4.0", kA},
      {"192.168.4.4", kB},
      {"192.168.200.182", kC},
      {"192.95.5.68", kC},
      {"192.95.5.96", kE},
      {"64.15.116.26", kG},
      {"64.15.127.3", kG},
      {"64.15.123.1", kG},
      {"64.15.123.128", kH},
      {"64.15.123.129", kH},
      {"10.0.0.52", kA},
      {"10.0.0.220", kB},
      {"10.1.0.2", kA},
      {"10.1.0.6", kB},
      {"10.1.0.10", kC},
      {"10.1.0.20", kD},
      {"10.1.0.24", kE},
      {"2607:5300:6000:6b00::c05f:543", kD},
      {"2607:5300:6000:6b00::c02e:1ee", kF},
      {"2607:5300:6006:6b00::1", kC},
      {"2404:6800:4004:806::1006", kG},
      {"2404:6800:4004:806:0:1234:0:5678", kG},
      {"2404:67ff:4004:806:0:1234:0:5678", kF},
      {"2404:6800:4004:800:0:1::", kH},
      {"2404:6800:4004:800:dead:beef:dead:beef", kA},
      {"2404:6800:4fff::1", kB},
      {"2404:6800:4abc:1234:3ff::", kC},
      {"2404:6800:4abc:1234:400::", kB},
  };
  for (const auto& [text, owner] : kExpected) EXPECT_EQ(lookup(table, text), owner) << text;
}

TEST(PrefixTableTest, EmptyTableFindsNothing) {
  const Table table;
  EXPECT_EQ(lookup(table, "1.2.3.4"), std::nullopt);
  EXPECT_EQ(lookup(table, "::1"), std::nullopt);
  EXPECT_TRUE(table.empty());
}

TEST(PrefixTableTest, FamiliesAreApart) {
  Table table;
  table.insert(prefix("0.0.0.0/0"), kA);
  EXPECT_EQ(lookup(table, "::"), std::nullopt);
  table.insert(prefix("::/0"), kB);
  EXPECT_EQ(lookup(table, "0.0.0.0"), kA);
  EXPECT_EQ(lookup(table, "::"), kB);
}

TEST(PrefixTableTest, EraseByValueUncoversTheShorterPrefix) {
  Table table;
  table.insert(prefix("1.0.0.0/32"), kA);
  table.insert(prefix("64.0.0.0/32"), kA);
  table.insert(prefix("128.0.0.0/32"), kA);
  table.insert(prefix("192.0.0.0/32"), kA);
  table.insert(prefix("255.0.0.0/32"), kA);
  EXPECT_EQ(table.erase_if([](const Prefix&, int owner) { return owner == kA; }), 5u);
  for (const char* text : {"1.0.0.0", "64.0.0.0", "128.0.0.0", "192.0.0.0", "255.0.0.0"}) {
    EXPECT_EQ(lookup(table, text), std::nullopt) << text;
  }
  EXPECT_TRUE(table.empty());

  table.insert(prefix("192.168.0.0/16"), kA);
  table.insert(prefix("192.168.0.0/24"), kA);
  table.insert(prefix("192.0.0.0/8"), kB);
  table.erase_if([](const Prefix&, int owner) { return owner == kA; });
  EXPECT_EQ(lookup(table, "192.168.0.1"), kB);
}

// One host and every /128 that differs from it in one bit: the deepest trie there is.
TEST(PrefixTableTest, DepthIsBoundedByTheAddressLength) {
  Table table;
  for (unsigned bit = 0; bit < 128; ++bit) {
    std::uint8_t bytes[16];
    std::fill(std::begin(bytes), std::end(bytes), std::uint8_t{0xff});
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(1u << (7 - bit % 8)));
    table.insert(Prefix{IpAddress::from_bytes(Bytes{bytes}), 128}, static_cast<int>(bit));
  }
  for (unsigned length = 0; length <= 128; ++length) {
    table.insert(Prefix{address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), length},
                 1000 + static_cast<int>(length));
  }
  EXPECT_EQ(table.size(), 128u + 129u);
  EXPECT_EQ(lookup(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1128);
  EXPECT_EQ(lookup(table, "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 0);
  EXPECT_EQ(lookup(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), 127);
  std::size_t visited = 0;
  table.for_each([&](const Prefix&, int) { ++visited; });
  EXPECT_EQ(visited, table.size());
}

TEST(PrefixTableTest, IterationGivesMaskedPrefixesInOrder) {
  Table table;
  table.insert(prefix("192.95.5.93/27"), kA);
  table.insert(prefix("26.75.9.7/29"), kA);
  table.insert(prefix("26.75.9.7/29"), kA);
  table.insert(prefix("10.0.0.1/32"), kB);
  table.insert(prefix("1.1.1.1/8"), kA);
  table.insert(prefix("2607:5300:6000:6b00::1/64"), kA);
  table.insert(prefix("::ffff/0"), kA);
  EXPECT_EQ(prefixes_of(table, kA), (std::vector<std::string>{"1.0.0.0/8", "26.75.9.0/29", "192.95.5.64/27",
                                                              "::/0", "2607:5300:6000:6b00::/64"}));
}

TEST(PrefixTableTest, EraseOfAnotherValueOrPrefixIsNoOp) {
  Table table;
  table.insert(prefix("10.0.0.0/8"), kA);
  table.insert(prefix("10.0.0.0/16"), kB);
  EXPECT_FALSE(table.erase(prefix("10.0.0.0/8"), kB));
  EXPECT_FALSE(table.erase(prefix("10.0.0.0/12")));
  EXPECT_FALSE(table.erase(prefix("10.0.0.0/32")));
  EXPECT_FALSE(table.erase(prefix("11.0.0.0/8")));
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(table.erase(prefix("10.0.0.0/8"), kA));
  EXPECT_EQ(lookup(table, "10.1.0.0"), std::nullopt);
  EXPECT_EQ(lookup(table, "10.0.1.0"), kB);
}

TEST(PrefixTableTest, CopyIsASnapshot) {
  Table table = known_table();
  const Table snapshot = table;
  table.insert(prefix("192.168.4.4/32"), kH);
  EXPECT_EQ(lookup(snapshot, "192.168.4.4"), kB);
  EXPECT_EQ(lookup(table, "192.168.4.4"), kH);
  EXPECT_EQ(*snapshot.find(prefix("192.168.4.4/32")), kB);
  EXPECT_EQ(snapshot.find(prefix("192.168.4.4/31")), nullptr);
}

TEST(PrefixTableTest, HoldsAHundredAndThirtyThousandPrefixes) {
  Table table;
  for (std::uint32_t i = 0; i < 130'560; ++i)
    table.insert(Prefix{IpAddress::v4(0x0a000000u + i), 32}, static_cast<int>(i));
  EXPECT_EQ(table.size(), 130'560u);
  for (std::uint32_t i = 0; i < 130'560; i += 977) {
    ASSERT_EQ(*table.lookup(IpAddress::v4(0x0a000000u + i)), static_cast<int>(i));
  }
  for (std::uint32_t i = 0; i < 130'560; ++i)
    ASSERT_TRUE(table.erase(Prefix{IpAddress::v4(0x0a000000u + i), 32}));
  EXPECT_TRUE(table.empty());
}

IpAddress random_address(Rng& rng, Family family) {
  std::uint8_t bytes[16];
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.next());
  // Most addresses fall into a few networks, so that prefixes nest and collide.
  if (rng.below(4) != 0) std::fill(bytes, bytes + (family == Family::kV4 ? 2 : 13), std::uint8_t{0x2a});
  return IpAddress::from_bytes(Bytes{bytes, family == Family::kV4 ? 4u : 16u});
}

TEST(PrefixTableTest, AgreesWithTheLinearModel) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng{seed};
    Table table;
    LinearModel model;
    for (int step = 0; step < 4000; ++step) {
      const Family family = rng.below(2) == 0 ? Family::kV4 : Family::kV6;
      const IpAddress ip = random_address(rng, family);
      const Prefix each{ip, static_cast<unsigned>(rng.below(ip.bit_length() + 1))};
      const int value = static_cast<int>(rng.below(400));
      switch (rng.below(8)) {
        case 0:
          ASSERT_EQ(table.erase(each), model.erase(each));
          break;
        case 1:
          ASSERT_EQ(table.erase_if([&](const Prefix&, int owner) { return owner == value; }),
                    model.erase_value(value));
          break;
        case 2:
          if (!model.entries().empty()) {
            const Prefix first = model.entries().begin()->first;
            ASSERT_TRUE(table.erase(first));
            model.erase(first);
          }
          break;
        default:
          table.insert(each, value);
          model.insert(each, value);
      }
      ASSERT_EQ(table.size(), model.entries().size());
      const IpAddress probe = random_address(rng, family);
      const int* const found = table.lookup(probe);
      ASSERT_EQ(found == nullptr ? std::nullopt : std::optional{*found}, model.lookup(probe))
          << probe.to_string();
    }
    std::map<Prefix, int> listed;
    table.for_each([&](const Prefix& each, int value) { listed[each] = value; });
    EXPECT_EQ(listed, model.entries());
  }
}

}  // namespace
}  // namespace wgr
