// What DNS answers for the names of stations: what they say, and what is configured.
#include <gtest/gtest.h>

#include "cmd/lan_book.h"
#include "core/wire/dns.h"

namespace wgr {
namespace {

const MacAddress kMac = *MacAddress::parse("02:00:00:00:00:01");
constexpr NetworkIndex kDefault = 0;
constexpr NetworkIndex kLab = 1;

class LanNamesTest : public testing::Test {
 protected:
  LanBook& book() {
    if (!book_) {
      LanConfig config;
      config.networks = {default_, lab_};
      book_.emplace(config, /*lease_file=*/"");
    }
    return *book_;
  }
  static LanEntry entry(const std::string& name, std::uint8_t third) {
    LanEntry entry;
    entry.network.name = name;
    entry.network.subnet = Prefix{IpAddress::v4(192, 168, third, 0), 24};
    entry.network.gateway = IpAddress::v4(192, 168, third, 1);
    return entry;
  }
  // The only station of its network; true if that is news.
  bool station_came(NetworkIndex network, const std::string& host_name) {
    LanBook::StationStatus station;
    station.guest = GuestId{0, static_cast<GuestGroup>(network + 1), 7};
    station.mac = kMac;
    station.addresses = {address_on(network)};
    station.host_name = host_name;
    return book().told({.network = network, .leases = {}, .stations = {station}});
  }
  static IpAddress address_on(NetworkIndex network) {
    return IpAddress::v4(192, 168, static_cast<std::uint8_t>(86 + network), 30);
  }
  std::vector<std::uint8_t> answer(std::string_view name, wire::DnsType type) {
    const auto query = wire::write_dns_query(1, *wire::DnsName::parse(name), type);
    const auto view = *wire::DnsView::parse(query);
    return book().dns_names()->answer(view, *view.question(), wire::kDnsMaxMessage);
  }
  std::vector<IpAddress> addresses_of(std::string_view name) {
    const std::vector<std::uint8_t> reply = answer(name, wire::DnsType::kA);
    std::vector<IpAddress> found;
    wire::DnsView::parse(reply)->visit_addresses([&](const IpAddress& address) { found.push_back(address); });
    return found;
  }
  wire::DnsRcode rcode_of(std::string_view name) {
    const std::vector<std::uint8_t> reply = answer(name, wire::DnsType::kPtr);
    return wire::DnsView::parse(reply)->rcode();
  }

  using Addresses = std::vector<IpAddress>;
  LanEntry default_ = entry("default", 86);
  LanEntry lab_ = entry("lab", 87);

 private:
  std::optional<LanBook> book_;
};

TEST_F(LanNamesTest, StationIsKnownBelowTheDomainOfItsNetwork) {
  lab_.network.dhcp.domain = "lab.example";
  station_came(kDefault, "web");
  station_came(kLab, "web");
  EXPECT_EQ(addresses_of("web.lan"), Addresses{address_on(kDefault)});
  EXPECT_EQ(addresses_of("WEB.lab.example"), Addresses{address_on(kLab)});
}

// A browser tab on one network must not take the name of a machine on another.
TEST_F(LanNamesTest, NameThatStationsOfTwoNetworksSayBelowOneDomainIsNobodys) {
  station_came(kLab, "web");
  EXPECT_EQ(addresses_of("web.lan"), Addresses{address_on(kLab)});
  station_came(kDefault, "web");
  EXPECT_EQ(addresses_of("web.lan"), Addresses{});
  station_came(kDefault, "other");
  EXPECT_EQ(addresses_of("web.lan"), Addresses{address_on(kLab)});
}

TEST_F(LanNamesTest, NameOfAStaticLeaseIsThatOfItsNetworkAlone) {
  lab_.network.dhcp.static_leases = {{kMac, IpAddress::v4(192, 168, 87, 50), "files"}};
  station_came(kDefault, "files");
  EXPECT_EQ(addresses_of("files.lan"), Addresses{}) << "while the machine is absent";
  station_came(kLab, "files");
  EXPECT_EQ(addresses_of("files.lan"), Addresses{address_on(kLab)});
}

// Who walks through the addresses of a network whose stations do not see each other learns nobody's name.
TEST_F(LanNamesTest, AddressesOfAnIsolatedNetworkLeadBackToNoStation) {
  lab_.network.isolate = false;
  station_came(kDefault, "one");
  station_came(kLab, "two");
  EXPECT_EQ(rcode_of("30.86.168.192.in-addr.arpa"), wire::DnsRcode::kNxDomain);
  EXPECT_EQ(rcode_of("30.87.168.192.in-addr.arpa"), wire::DnsRcode::kNoError);
  EXPECT_EQ(addresses_of("one.lan"), Addresses{address_on(kDefault)});
}

TEST_F(LanNamesTest, StationCannotBeTheGateway) {
  station_came(kDefault, "gateway");
  EXPECT_NE(addresses_of("gateway.lan"), Addresses{address_on(kDefault)});
}

}  // namespace
}  // namespace wgr
