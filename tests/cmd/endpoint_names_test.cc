#include "cmd/endpoint_names.h"

#include <functional>
#include <optional>

#include "boost/asio/executor_work_guard.hpp"
#include "gtest/gtest.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using wireguard::EndpointOrigin;

constexpr GuestId kPeer{0, 1};

// The test chooses the answers; they come from the resolver's own thread and are waited for.
class EndpointNamesTest : public testing::Test {
 protected:
  void SetUp() override {
    names_.set_peers(peers("vpn.example"), now_);
    wait();
  }

  static std::map<wireguard::PublicKey, PeerBook::Entry> peers(const std::string& host) {
    PeerBook::Entry entry;
    entry.id = kPeer;
    entry.config.endpoint = wireguard::EndpointName{host, 51820};
    return {{entry.config.public_key, entry}};
  }
  // For one answer.
  void wait() { ASSERT_EQ(context_.run_one_for(5s), 1u); }

  Instant now_{1h};
  int asked_ = 0;
  egress::Resolver::Answer answer_{.addresses = {*IpAddress::parse("192.0.2.7")}, .error = ""};
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  egress::Resolver resolver_{[this](const std::string&) {
    ++asked_;
    return answer_;
  }};
  std::optional<SocketAddress> told_;
  std::optional<EndpointOrigin> origin_;
  EndpointNames names_{resolver_, context_,
                       [this](GuestId, const SocketAddress& address, EndpointOrigin origin) {
                         told_ = address;
                         origin_ = origin;
                       }};
};

TEST_F(EndpointNamesTest, NewNameIsResolvedAndTold) {
  EXPECT_EQ(told_, SocketAddress::parse("192.0.2.7:51820"));
  EXPECT_EQ(origin_, EndpointOrigin::kOperator);
}

TEST_F(EndpointNamesTest, NameIsAskedAgainOnlyWhenTheHandshakeIsOld) {
  answer_.addresses = {*IpAddress::parse("192.0.2.8")};
  names_.handshake_seen(kPeer, 134s, now_ + 200s);
  names_.handshake_seen(kPeer, Duration::max(), now_ + 134s);
  names_.handshake_seen(kPeer, Duration::max(), now_ + 136s);
  wait();

  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(told_, SocketAddress::parse("192.0.2.8:51820"));
  EXPECT_EQ(origin_, EndpointOrigin::kResolver);
}

// A router that starts before its network must not wait minutes for its peers.
TEST_F(EndpointNamesTest, FailedNameIsTriedAgainSoon) {
  answer_ = {.addresses = {}, .error = "no such host"};
  names_.set_peers(peers("other.example"), now_);
  wait();
  answer_ = {.addresses = {*IpAddress::parse("192.0.2.9")}, .error = ""};
  names_.handshake_seen(kPeer, Duration::max(), now_ + 16s);
  wait();

  EXPECT_EQ(told_, SocketAddress::parse("192.0.2.9:51820"));
}

TEST_F(EndpointNamesTest, WithoutIpv6TheIpv4AddressIsTaken) {
  names_.set_has_v6(false);
  answer_.addresses = {*IpAddress::parse("2001:db8::1"), *IpAddress::parse("192.0.2.10")};
  names_.set_peers(peers("dual.example"), now_);
  wait();

  EXPECT_EQ(told_, SocketAddress::parse("192.0.2.10:51820"));
}

}  // namespace
}  // namespace wgr
