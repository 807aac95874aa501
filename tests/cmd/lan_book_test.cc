#include "cmd/lan_book.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/wire/dns.h"
#include "core/wire/ethernet.h"

namespace wgr {
namespace {

using slirp::lan::Lease;
using testing::ElementsAre;
using testing::IsEmpty;

const IpAddress kLabGateway = IpAddress::v4(192, 168, 86, 1);
const IpAddress kStation = IpAddress::v4(192, 168, 86, 20);

LanEntry entry(const std::string& name, std::uint8_t third) {
  LanEntry entry;
  entry.network.name = name;
  entry.network.subnet = Prefix{IpAddress::v4(192, 168, third, 0), 24};
  entry.network.gateway = IpAddress::v4(192, 168, third, 1);
  entry.network.dhcp.domain = name + ".lan";
  return entry;
}

Lease lease(std::uint8_t last) {
  return {IpAddress::v4(192, 168, 86, last), MacAddress{{2, 0, 0, 0, 0, last}}, "id", "laptop",
          WallTime::max()};
}

LanBook::StationStatus station(const std::string& name) {
  LanBook::StationStatus status;
  status.guest = GuestId{/*home=*/0, /*serial=*/1, /*group=*/1};
  status.addresses = {kStation};
  status.host_name = name;
  return status;
}

class LanBookTest : public testing::Test {
 protected:
  LanBookTest() {
    config_.networks = {entry("lab", 86), entry("office", 87)};
    std::string name = testing::TempDir() + "wgr_lan_book_XXXXXX";
    folder_ = ::mkdtemp(name.data());
    file_ = folder_ + "/leases";
  }
  ~LanBookTest() override { std::filesystem::remove_all(folder_); }

  // The addresses a name has on the gateways; nothing: it is not theirs to say.
  static std::optional<std::vector<IpAddress>> addresses_of(const LanBook& book, std::string_view name) {
    const auto query = wire::write_dns_query(1, *wire::DnsName::parse(name), wire::DnsType::kA);
    const auto view = wire::DnsView::parse(query);
    const auto question = view->question();
    const auto names = book.dns_names();
    if (!names->owns(*question)) return std::nullopt;
    const auto reply = names->answer(*view, *question, wire::kDnsClassicUdpSize);
    std::vector<IpAddress> found;
    EXPECT_TRUE(
        wire::DnsView::parse(reply)->visit_addresses([&](const IpAddress& each) { found.push_back(each); }));
    return found;
  }
  std::string saved() const {
    std::ifstream file{file_};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  LanConfig config_;
  std::string folder_;
  std::string file_;
};

TEST_F(LanBookTest, RoutesAreDealtToTheWorkersWithTheirPrefixes) {
  config_.networks[1].network.ipv6.prefix = Prefix::parse("fd00:87::/64");
  config_.networks[1].network.mtu = 9000;
  config_.networks[1].network.reach_peers = true;
  const LanBook book{config_, ""};
  const std::vector<NetworkRoute> routes = book.routes(/*workers=*/2);

  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].home, 0);
  EXPECT_THAT(routes[0].prefixes, ElementsAre(config_.networks[0].network.subnet));
  EXPECT_FALSE(routes[0].reach_peers);
  EXPECT_EQ(routes[1].home, 1);
  EXPECT_THAT(routes[1].prefixes,
              ElementsAre(config_.networks[1].network.subnet, *Prefix::parse("fd00:87::/64")));
  EXPECT_EQ(routes[1].mtu, 9000);
  EXPECT_TRUE(routes[1].reach_peers);
  EXPECT_EQ(book.largest_mtu(), 9000);
  EXPECT_THAT(book.names(), ElementsAre("lab", "office"));
}

TEST_F(LanBookTest, WithoutNetworksThereIsNothing) {
  config_.networks.clear();
  LanBook book{config_, file_};
  book.save();

  EXPECT_EQ(book.size(), 0u);
  EXPECT_EQ(book.largest_mtu(), 0);
  EXPECT_THAT(book.gateways(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(file_));
}

// Names and forwards are worked out anew only for this.
TEST_F(LanBookTest, NewsAreOtherStationsAddressesOrNames) {
  LanBook book{config_, ""};
  EXPECT_FALSE(book.told({.network = 0, .leases = {}, .stations = {}}));
  EXPECT_TRUE(book.told({.network = 0, .leases = {}, .stations = {station("laptop")}}));
  EXPECT_FALSE(book.told({.network = 0, .leases = {}, .stations = {station("laptop")}}));
  EXPECT_FALSE(book.told({.network = 0, .leases = {lease(20)}, .stations = {station("laptop")}}));
  EXPECT_TRUE(book.told({.network = 0, .leases = {}, .stations = {station("desktop")}}));

  LanBook::StationStatus moved = station("desktop");
  moved.addresses = {IpAddress::v4(192, 168, 86, 21)};
  EXPECT_TRUE(book.told({.network = 0, .leases = {}, .stations = {moved}}));
  EXPECT_TRUE(book.told({.network = 0, .leases = {}, .stations = {}}));
}

TEST_F(LanBookTest, GatewayAndStationsHaveNamesBelowTheDomainOfTheirNetwork) {
  LanBook book{config_, ""};
  book.told({.network = 0, .leases = {}, .stations = {station("laptop")}});

  EXPECT_EQ(addresses_of(book, "gateway.lab.lan"), std::vector{kLabGateway});
  EXPECT_EQ(addresses_of(book, "laptop.lab.lan"), std::vector{kStation});
  EXPECT_EQ(addresses_of(book, "laptop.office.lan"), std::vector<IpAddress>{});
  EXPECT_EQ(addresses_of(book, "laptop.example.org"), std::nullopt);
}

TEST_F(LanBookTest, StationCannotTakeTheNameOfTheGateway) {
  LanBook book{config_, ""};
  book.told({.network = 0, .leases = {}, .stations = {station("gateway")}});

  EXPECT_EQ(addresses_of(book, "gateway.lab.lan"), std::vector{kLabGateway});
}

TEST_F(LanBookTest, LeasesComeBackToTheirNetworkAfterARestart) {
  {
    LanBook book{config_, file_};
    book.told({.network = 1, .leases = {lease(20)}, .stations = {}});
    book.save();
  }
  const LanBook book{config_, file_};

  EXPECT_THAT(book.settings()[0].leases, IsEmpty());
  EXPECT_THAT(book.settings()[1].leases, ElementsAre(lease(20)));
}

TEST_F(LanBookTest, FileIsWrittenOnlyWhenLeasesHaveChanged) {
  LanBook book{config_, file_};
  book.save();
  EXPECT_FALSE(std::filesystem::exists(file_));

  book.told({.network = 0, .leases = {lease(20)}, .stations = {}});
  book.save();
  EXPECT_NE(saved(), "");

  std::filesystem::remove(file_);
  book.told({.network = 0, .leases = {lease(20)}, .stations = {station("laptop")}});
  book.save();
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(LanBookTest, WithoutAFileLeasesLiveAsLongAsTheProcess) {
  LanBook book{config_, ""};
  book.told({.network = 0, .leases = {lease(20)}, .stations = {}});
  book.save();

  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

// The network has gone from the configuration; its leases are nobody's.
TEST_F(LanBookTest, LeasesOfAnotherNetworkAreNotTaken) {
  std::ofstream{file_} << "# wgrouter leases 1\nnetwork elsewhere\n0 02:00:00:00:00:14 192.168.86.20 * *\n";
  const LanBook book{config_, file_};

  EXPECT_THAT(book.settings()[0].leases, IsEmpty());
  EXPECT_THAT(book.settings()[1].leases, IsEmpty());
}

TEST_F(LanBookTest, GatewaysAreAllAddressesThatStationsMayCallTheRouterBy) {
  LanConfig config;
  LanEntry& lab = config.networks.emplace_back();
  lab.network.name = "lab";
  lab.network.gateway = IpAddress::v4(192, 168, 87, 1);
  lab.network.gateway_mac = *MacAddress::parse("02:86:00:00:00:01");
  const IpAddress link_local = wire::link_local_of(lab.network.gateway_mac);
  EXPECT_THAT(LanBook(config, "").gateways(), ElementsAre(lab.network.gateway, link_local));
  lab.network.ipv6.prefix = *Prefix::parse("fd86:0:0:1::/64");
  EXPECT_THAT(LanBook(config, "").gateways(),
              ElementsAre(lab.network.gateway, *IpAddress::parse("fd86:0:0:1::1"), link_local));
}

}  // namespace
}  // namespace wgr
