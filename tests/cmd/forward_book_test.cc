#include "cmd/forward_book.h"

#include "gtest/gtest.h"

namespace wgr {
namespace {

const MacAddress kMac = *MacAddress::parse("02:00:00:00:00:01");
const IpAddress kPeerAddress = IpAddress::v4(10, 86, 0, 2);
const IpAddress kStationAddress = IpAddress::v4(192, 168, 86, 20);

class ForwardBookTest : public testing::Test {
 protected:
  ForwardBookTest() : lan_(lan_config(), /*lease_file=*/"") {
    wireguard::PeerConfig phone;
    phone.public_key[0] = 1;
    phone.name = "phone";
    phone.allowed_ips = {Prefix{IpAddress::v4(10, 99, 0, 0), 16}, Prefix{kPeerAddress, 32}};
    peers_.apply(std::vector{phone});
  }

  static LanConfig lan_config() {
    LanEntry entry;
    entry.network.subnet = *Prefix::parse("192.168.86.0/24");
    entry.network.gateway = IpAddress::v4(192, 168, 86, 1);
    LanEntry lab;
    lab.network.name = "lab";
    lab.network.subnet = *Prefix::parse("192.168.87.0/24");
    lab.network.gateway = IpAddress::v4(192, 168, 87, 1);
    lab.network.dhcp.static_leases = {{kMac, IpAddress::v4(192, 168, 87, 50), "files"}};
    LanConfig config;
    config.networks = {entry, lab};
    return config;
  }
  void station_came(NetworkIndex network, const std::string& host_name) {
    LanBook::StationStatus station;
    station.guest = GuestId{0, static_cast<GuestGroup>(network + 1), 7};
    station.mac = kMac;
    station.session = SessionId{0, 1};
    station.addresses = {IpAddress::v4(192, 168, static_cast<std::uint8_t>(86 + network), 30)};
    station.host_name = host_name;
    lan_.told({.network = network, .leases = {}, .stations = {station}});
  }
  void station_came() {
    LanBook::StationStatus station;
    station.guest = kStation;
    station.mac = kMac;
    station.session = SessionId{0, 1};
    station.addresses = {kStationAddress};
    station.host_name = "Laptop";
    lan_.told({.network = 0, .leases = {}, .stations = {station}});
  }
  // Where one forward ends up: its worker, and what it leads to.
  std::pair<std::size_t, std::optional<slirp::ForwardTarget>> place(const std::string& target) {
    ForwardEntry entry;
    entry.target = target;
    entry.first_port = entry.last_port = 8080;
    entry.first_guest_port = 80;
    const auto plan = plan_forwards(std::vector{entry}, peers_, lan_, network_, kWorkers);
    for (std::size_t worker = 0; worker < plan.size(); ++worker) {
      if (!plan[worker].empty()) return {worker, plan[worker].front().target};
    }
    ADD_FAILURE() << "the forward is nowhere";
    return {};
  }

  static constexpr std::size_t kWorkers = 2;
  static constexpr GuestId kStation{0, 1, 1};
  PeerBook peers_{kWorkers};
  LanBook lan_;
  NetworkConfig network_;
};

TEST_F(ForwardBookTest, PeerIsFoundByNameAndByAddress) {
  const GuestId phone = peers_.entries().begin()->second.id;
  const slirp::ForwardTarget expected{phone, kPeerAddress, IpAddress::v4(10, 86, 0, 1)};

  EXPECT_EQ(place("phone"), std::pair(std::size_t{phone.home()}, std::optional{expected}));
  EXPECT_EQ(place("10.86.0.2").second, expected);
}

TEST_F(ForwardBookTest, StationIsFoundByNameWithAndWithoutDomainAndByAddress) {
  EXPECT_EQ(place("laptop").second, std::nullopt) << "not there yet";
  station_came();
  const slirp::ForwardTarget expected{kStation, kStationAddress, IpAddress::v4(192, 168, 86, 1)};

  EXPECT_EQ(place("laptop").second, expected);
  EXPECT_EQ(place("LAPTOP.lan").second, expected);
  EXPECT_EQ(place("192.168.86.20").second, expected);
  EXPECT_EQ(place("laptop.elsewhere").second, std::nullopt);
  EXPECT_EQ(place("192.168.86.21").second, std::nullopt);
}

// Its tab is closed: new clients are reset, not kept waiting until the station is forgotten.
TEST_F(ForwardBookTest, StationWithoutItsSessionIsAbsent) {
  station_came();
  std::vector<LanBook::StationStatus> stations = lan_.stations(0);
  stations[0].session = {};
  EXPECT_TRUE(lan_.told({.network = 0, .leases = {}, .stations = stations}));
  EXPECT_EQ(place("laptop").second, std::nullopt);
  EXPECT_EQ(place("192.168.86.20").second, std::nullopt);
  stations[0].session = SessionId{0, 2};
  EXPECT_TRUE(lan_.told({.network = 0, .leases = {}, .stations = stations}));
  EXPECT_NE(place("laptop").second, std::nullopt);
  stations[0].session = SessionId{0, 3};
  EXPECT_FALSE(lan_.told({.network = 0, .leases = {}, .stations = stations})) << "where it leads is the same";
}

// A browser tab on one network must not take the clients of a machine on another.
TEST_F(ForwardBookTest, NameThatTwoNetworksHaveLeadsNowhereWithoutItsNetwork) {
  station_came(1, "web");
  EXPECT_EQ(place("web").second->address, IpAddress::v4(192, 168, 87, 30));
  station_came(0, "web");
  EXPECT_EQ(place("web").second, std::nullopt);
  EXPECT_EQ(place("web.lan").second, std::nullopt);
  EXPECT_EQ(place("web.lab").second->address, IpAddress::v4(192, 168, 87, 30));
  EXPECT_EQ(place("Web.Default").second->address, IpAddress::v4(192, 168, 86, 30));
}

TEST_F(ForwardBookTest, NameOfAStaticLeaseIsLookedForInItsNetworkAlone) {
  station_came(0, "files");
  EXPECT_EQ(place("files").second, std::nullopt) << "while the machine is absent";
  EXPECT_EQ(place("files").first, network_home(1, kWorkers));
  station_came(1, "files");
  EXPECT_EQ(place("files").second->address, IpAddress::v4(192, 168, 87, 30));
}

TEST_F(ForwardBookTest, RangeIsOneForwardPerPort) {
  ForwardEntry entry;
  entry.target = "phone";
  entry.first_port = 8000;
  entry.last_port = 8002;
  entry.first_guest_port = 80;
  const auto plan = plan_forwards(std::vector{entry}, peers_, lan_, network_, kWorkers);

  const auto& forwards = plan[peers_.entries().begin()->second.id.home()];
  ASSERT_EQ(forwards.size(), 3u);
  EXPECT_EQ(forwards[2].config.listen_port, 8002);
  EXPECT_EQ(forwards[2].config.guest_port, 82);
}

}  // namespace
}  // namespace wgr
