#include "cmd/peer_book.h"

#include <set>

#include "gtest/gtest.h"

namespace wgr {
namespace {

wireguard::PeerConfig peer(std::uint8_t key, const char* allowed_ips) {
  wireguard::PeerConfig config;
  config.public_key.fill(key);
  config.allowed_ips = {*Prefix::parse(allowed_ips)};
  return config;
}

GuestId id_of(const PeerBook& book, std::uint8_t key) {
  wireguard::PublicKey public_key;
  public_key.fill(key);
  return book.entries().at(public_key).id;
}

TEST(PeerBookTest, PeersAreDealtToTheWorkersInTurn) {
  PeerBook book{3};
  book.apply(std::vector{peer(1, "10.0.0.1"), peer(2, "10.0.0.2"), peer(3, "10.0.0.3"), peer(4, "10.0.0.4")});

  std::multiset<int> homes;
  for (const auto& [key, entry] : book.entries()) homes.insert(entry.id.home());
  EXPECT_EQ(homes, (std::multiset<int>{0, 0, 1, 2}));
}

TEST(PeerBookTest, PeerThatStaysKeepsItsId) {
  PeerBook book{2};
  book.apply(std::vector{peer(1, "10.0.0.1"), peer(2, "10.0.0.2")});
  const GuestId before = id_of(book, 2);
  const PeerBook::Change change = book.apply(std::vector{peer(2, "10.0.0.9"), peer(3, "10.0.0.3")});

  EXPECT_EQ(id_of(book, 2), before);
  EXPECT_EQ(change.present.size(), 2u);
  EXPECT_EQ(change.removed.size(), 1u);
}

// A late message for a removed peer must not reach its successor.
TEST(PeerBookTest, PeerThatComesBackGetsANewId) {
  PeerBook book{2};
  book.apply(std::vector{peer(1, "10.0.0.1")});
  const GuestId before = id_of(book, 1);
  EXPECT_EQ(book.apply({}).removed, std::vector{before});
  book.apply(std::vector{peer(1, "10.0.0.1")});

  EXPECT_NE(id_of(book, 1), before);
}

TEST(PeerBookTest, AllowedIpsMoveBetweenPeersInOneSnapshot) {
  PeerBook book{1};
  book.apply(std::vector{peer(1, "10.0.0.0/24"), peer(2, "10.0.1.0/24")});
  const auto before = book.allowed_ips();
  book.apply(std::vector{peer(1, "10.0.1.0/24"), peer(2, "10.0.0.0/24")});
  const auto after = book.allowed_ips();

  const IpAddress address = IpAddress::v4(10, 0, 0, 7);
  EXPECT_EQ(*before->lookup(address), id_of(book, 1));
  EXPECT_EQ(*after->lookup(address), id_of(book, 2));
}

}  // namespace
}  // namespace wgr
