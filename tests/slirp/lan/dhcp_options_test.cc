// What a reply of the DHCP server carries, and how long it may be. RFC 2132.
#include <string>

#include "tests/slirp/lan/dhcp_fixture.h"

namespace wgr::slirp::lan {
namespace {

using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;

TEST_F(DhcpServerTest, OptionsAreSentWhenAskedFor) {
  config_.dhcp.static_leases = {{kOther, ip(20), "printer"}};
  LeaseTable table{config_, counters_, {}, WallTime{}, now_};
  DhcpServer server{config_, table, counters_};
  const Say all{.parameters = {1, 3, 6, 12, 15, 26, 28, 58, 59, 119, 121}, .mac = kOther};
  const auto reply = server.receive(all.message(), kOther, 0, {}, now_);
  ASSERT_TRUE(reply);
  const DhcpView offer = view(*reply);

  EXPECT_EQ(offer.yiaddr(), ip(20));
  EXPECT_EQ(offer.address_option(DhcpOption::kSubnetMask), IpAddress::v4(255, 255, 255, 0));
  EXPECT_EQ(offer.address_option(DhcpOption::kRouter), ip(1));
  EXPECT_EQ(offer.address_option(DhcpOption::kNameServers), ip(1));
  EXPECT_EQ(offer.option(DhcpOption::kHostName), (DhcpView::Data{'p', 'r', 'i', 'n', 't', 'e', 'r'}));
  EXPECT_EQ(offer.option(DhcpOption::kDomainName), (DhcpView::Data{'l', 'a', 'n'}));
  EXPECT_EQ(offer.number_option(DhcpOption::kMtu), 1420);
  EXPECT_EQ(offer.address_option(DhcpOption::kBroadcastAddress), ip(255));
  EXPECT_EQ(offer.option(DhcpOption::kDomainSearch), (DhcpView::Data{3, 'l', 'a', 'n', 0}));
  EXPECT_EQ(offer.option(DhcpOption::kClasslessRoutes), (DhcpView::Data{0, 192, 168, 86, 1}));
}

TEST_F(DhcpServerTest, OptionsThatNobodyAskedForAreNotSent) {
  const DhcpServer::Reply reply = *say({.parameters = {3}});

  for (const DhcpOption option :
       {DhcpOption::kNameServers, DhcpOption::kHostName, DhcpOption::kDomainName, DhcpOption::kMtu,
        DhcpOption::kBroadcastAddress, DhcpOption::kRenewalTime, DhcpOption::kRebindingTime,
        DhcpOption::kClientIdentifier, DhcpOption::kDomainSearch, DhcpOption::kClasslessRoutes}) {
    EXPECT_FALSE(view(reply).has(option)) << static_cast<int>(option);
  }
  EXPECT_TRUE(view(reply).has(DhcpOption::kRouter));
}

// busybox udhcpc of a v86 guest, as its frames say it.
TEST_F(DhcpServerTest, UdhcpcGetsWhatItAsksFor) {
  const Say discover{.id = std::string{"\x01\x00\x22\x15\x01\x02\x03", 7},
                     .parameters = {1, 3, 6, 12, 15, 28, 42},
                     .max_size = 576};
  const DhcpServer::Reply offer = *say(discover);

  EXPECT_EQ(offer.to_mac, kMac);
  EXPECT_EQ(offer.message.size(), 300u);
  EXPECT_EQ(view(offer).option(DhcpOption::kClientIdentifier)->size(), 7u);
  EXPECT_TRUE(view(offer).has(DhcpOption::kNameServers));
  EXPECT_FALSE(view(offer).has(DhcpOption::kMtu));
}

// smoltcp fell over timers out of order (1029).
TEST_F(DhcpServerTest, RenewalComesBeforeRebindingBeforeTheEnd) {
  const auto number = [](const DhcpServer::Reply& reply, DhcpOption option) {
    const auto data = view(reply).option(option);
    return data && data->size() == 4 ? std::optional{load_be<std::uint32_t>(data->data())} : std::nullopt;
  };
  for (const std::uint32_t seconds : {8u, 9u, 60u, 3600u, 86400u, 0xfffffffeu}) {
    config_.dhcp.lease_time = std::chrono::seconds{seconds};
    const DhcpServer::Reply offer = *say({});
    EXPECT_EQ(number(offer, DhcpOption::kLeaseTime), seconds);
    EXPECT_EQ(number(offer, DhcpOption::kRenewalTime), seconds / 2);
    EXPECT_LT(number(offer, DhcpOption::kRenewalTime), number(offer, DhcpOption::kRebindingTime));
    EXPECT_LT(number(offer, DhcpOption::kRebindingTime), number(offer, DhcpOption::kLeaseTime));
  }
  config_.dhcp.lease_time = 365 * 24h * 200;  // more than can be said: for ever
  EXPECT_EQ(number(*say({}), DhcpOption::kLeaseTime), 0xffffffff);
  EXPECT_EQ(number(*say({}), DhcpOption::kRenewalTime), std::nullopt);
  config_.dhcp.lease_time = 0s;
  EXPECT_EQ(number(*say({}), DhcpOption::kLeaseTime), 1u);
}

TEST_F(DhcpServerTest, LongRepliesStayWithinWhatTheClientTakes) {
  config_.dhcp.domain = std::string(60, 'a') + "." + std::string(60, 'b') + "." + std::string(60, 'c');
  config_.dhcp.name_servers.assign(60, ip(53));
  Say what{.id = std::string(100, 'i'), .parameters = {6, 15, 119, 121}};

  EXPECT_LE(say(what)->message.size(), 548u);
  what.max_size = 100;  // less than anybody may say
  EXPECT_LE(say(what)->message.size(), 548u);
  what.max_size = 1400;
  EXPECT_GT(say(what)->message.size(), 548u);
  EXPECT_TRUE(view(*say(what)).has(DhcpOption::kDomainSearch));
  what.max_size = 65535;
  EXPECT_LE(say(what)->message.size(), config_.mtu - 28u);
}

TEST_F(DhcpServerTest, HostNameIsCleanedAndKept) {
  IpAddress address = lease();
  say({.type = DhcpType::kRequest, .ciaddr = address, .host_name = "My_Box.example.com"});

  EXPECT_EQ(table_.host_name_of(address), "my-box");
}

}  // namespace
}  // namespace wgr::slirp::lan
