#include "cmd/probes.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/sim_sockets.h"

namespace wgr {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const SocketAddress kWeb = SocketAddress::parse("198.51.100.80:80").value();
const SocketAddress kResolver = SocketAddress::parse("198.51.100.53:53").value();

class ProbesTest : public testing::Test {
 protected:
  static std::shared_ptr<const egress::Policy> policy(const std::string& allow = "198.51.100.0/24") {
    egress::Policy::Settings settings;
    std::string error;
    settings.global.allow = {egress::Rule::parse(allow, error).value()};
    return std::make_shared<egress::Policy>(settings);
  }

  void begin(metrics::ProbeConfig config) {
    config.enabled = true;
    probes_ = std::make_unique<Probes>(config, sockets_, health_, rng_);
    probes_->set_policy(policy());
    probes_->on_deadline(now_);
  }

  static metrics::ProbeConfig http() {
    metrics::ProbeConfig config;
    config.http_url = "http://example.com/up";
    return config;
  }
  static metrics::ProbeConfig dns() {
    metrics::ProbeConfig config;
    config.dns_name = "www.example.com";
    config.dns_server = kResolver;
    return config;
  }

  void resolve(std::vector<IpAddress> addresses = {kWeb.ip}) {
    const auto lookup = probes_->take_lookup();
    ASSERT_TRUE(lookup);
    EXPECT_EQ(lookup->host, "example.com");
    probes_->resolved(lookup->run, {std::move(addresses), ""}, now_);
    settle();
  }

  void settle() {
    for (bool more = true; more;) {
      internet_.run_until(now_);
      const auto news = sockets_.take_ready();
      more = !news.empty();
      for (const auto& [token, ready] : news) probes_->socket_ready(token, ready, now_);
    }
  }

  void advance(Duration by) {
    now_ += by;
    settle();
    if (probes_->next_deadline() <= now_) probes_->on_deadline(now_);
    settle();
  }

  // A web server that answers every request with `reply`.
  void serve(const std::string& reply) {
    internet_.listen(kWeb).on_accept = [reply](sim::RemoteStream& stream) {
      stream.on_data = [reply](sim::RemoteStream& from, Bytes) { from.send(reply); };
    };
  }

  const metrics::ProbeStats& stats() {
    seen_ = health_.probes();
    return seen_.front();
  }
  std::string detail() {
    for (const metrics::Check& check : health_.ready(now_)) {
      if (check.name.starts_with("probe_")) return check.detail;
    }
    return {};
  }

  Instant now_ = Instant{} + 100s;
  sim::Internet internet_;
  sim::SimSockets sockets_{internet_};
  metrics::Health health_{{}, 1};
  Rng rng_{/*seed=*/1};
  std::unique_ptr<Probes> probes_;
  std::vector<metrics::ProbeStats> seen_;
};

TEST_F(ProbesTest, NothingIsAskedUnlessEnabled) {
  metrics::ProbeConfig config = http();
  config.dns_name = "example.com";
  Probes probes{config, sockets_, health_, rng_};

  EXPECT_EQ(probes.next_deadline(), kNever);
  EXPECT_TRUE(health_.probes().empty());
}

TEST_F(ProbesTest, PageThatAnswersIsGood) {
  serve("HTTP/1.1 204 No Content\r\n\r\n");
  begin(http());
  resolve();

  EXPECT_EQ(stats().is_good, true);
  EXPECT_EQ(stats().succeeded, 1u);
  EXPECT_EQ(detail(), "answered 204");
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(ProbesTest, RequestIsOneAndNamesTheHost) {
  serve("HTTP/1.1 200 OK\r\n\r\n");
  begin(http());
  resolve();

  const std::string request = internet_.listen(kWeb).last().received_text();
  EXPECT_THAT(request, testing::StartsWith("GET /up HTTP/1.1\r\nHost: example.com\r\n"));
}

TEST_F(ProbesTest, ErrorPageIsBad) {
  serve("HTTP/1.1 500 no\r\n\r\n");
  begin(http());
  resolve();

  EXPECT_EQ(stats().is_good, false);
  EXPECT_EQ(stats().failed, 1u);
  EXPECT_EQ(detail(), "answered 500");
}

TEST_F(ProbesTest, WhatIsNotHttpIsBad) {
  serve("SSH-2.0-x\r\n");
  begin(http());
  resolve();

  EXPECT_EQ(detail(), "the answer is not HTTP");
}

TEST_F(ProbesTest, RefusedAndSilentHostsAreBad) {
  begin(http());
  resolve();
  EXPECT_THAT(detail(), HasSubstr("connecting: "));

  internet_.host(kWeb.ip).is_silent = true;
  advance(30s);
  resolve();
  EXPECT_EQ(stats().failed, 1u);
  advance(5s);
  EXPECT_EQ(stats().failed, 2u);
  EXPECT_EQ(detail(), "timed out");
  EXPECT_EQ(stats().last_duration, 5s);
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(ProbesTest, NextAddressIsTriedWhenOneFails) {
  serve("HTTP/1.1 200 OK\r\n\r\n");
  begin(http());
  resolve({IpAddress::v4(198, 51, 100, 7), kWeb.ip});

  EXPECT_EQ(detail(), "answered 200");
}

// An IPv6 address that leads nowhere, on a host whose IPv4 works.
TEST_F(ProbesTest, SilentAddressDoesNotUseUpTheTimeOfTheOthers) {
  const IpAddress silent = IpAddress::v4(198, 51, 100, 81);
  internet_.host(silent).is_silent = true;
  serve("HTTP/1.1 200 OK\r\n\r\n");
  begin(http());
  resolve({silent, kWeb.ip});
  EXPECT_EQ(stats().is_good, std::nullopt);

  advance(2500ms);
  EXPECT_EQ(stats().is_good, true);
  EXPECT_EQ(stats().last_duration, 2500ms);
}

TEST_F(ProbesTest, WhenEveryAddressIsSilentTheRunTimesOutAsBefore) {
  const IpAddress silent = IpAddress::v4(198, 51, 100, 81);
  const IpAddress mute = IpAddress::v4(198, 51, 100, 82);
  internet_.host(silent).is_silent = internet_.host(mute).is_silent = true;
  begin(http());
  resolve({silent, mute});
  advance(2500ms);
  EXPECT_EQ(stats().is_good, std::nullopt);

  advance(2500ms);
  EXPECT_EQ(stats().is_good, false);
  EXPECT_EQ(detail(), "timed out");
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(ProbesTest, WhatThePolicyRefusesIsNotDialled) {
  begin(http());
  resolve({IpAddress::v4(127, 0, 0, 1)});

  EXPECT_EQ(sockets_.connects, 0u);
  EXPECT_EQ(detail(), "the policy refuses 127.0.0.1:80: loopback address");
}

TEST_F(ProbesTest, UnknownNameIsBad) {
  begin(http());
  probes_->resolved(probes_->take_lookup()->run, {{}, "no such name"}, now_);

  EXPECT_EQ(detail(), "example.com: no such name");
}

TEST_F(ProbesTest, AnswerToAnEarlierLookupFindsNobody) {
  begin(http());
  const std::uint64_t former = probes_->take_lookup()->run;
  advance(5s);
  EXPECT_EQ(detail(), "timed out");
  advance(25s);
  probes_->resolved(former, {{kWeb.ip}, ""}, now_);

  EXPECT_EQ(sockets_.connects, 0u);
}

TEST_F(ProbesTest, RunsComeAtTheInterval) {
  serve("HTTP/1.1 200 OK\r\n\r\n");
  begin(http());
  resolve();
  advance(30s - 1ns);
  EXPECT_FALSE(probes_->take_lookup());

  advance(1ns);
  resolve();
  EXPECT_EQ(stats().succeeded, 2u);
}

TEST_F(ProbesTest, NothingRunsBeforeThePolicyIsKnown) {
  metrics::ProbeConfig config = dns();
  config.enabled = true;
  Probes probes{config, sockets_, health_, rng_};
  probes.on_deadline(now_);

  EXPECT_EQ(sockets_.udp_opened, 0u);
}

// What an upstream says: the question back, with a code and a count of answers.
std::vector<std::uint8_t> reply_to(Bytes query, std::uint8_t rcode, std::uint8_t answers) {
  std::vector<std::uint8_t> reply{query.begin(), query.end()};
  reply[2] |= 0x80;
  reply[3] = rcode;
  reply[7] = answers;
  return reply;
}

TEST_F(ProbesTest, NameThatResolvesIsGood) {
  internet_.bind_udp(kResolver).on_datagram = [](sim::UdpRemote& remote, const sim::ReceivedDatagram& query) {
    remote.send(query.from, reply_to(query.payload, 0, 1));
  };
  begin(dns());
  settle();

  EXPECT_EQ(stats().is_good, true);
  EXPECT_EQ(detail(), "answered");
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(ProbesTest, QueryIsForAnAddressOfTheName) {
  sim::UdpRemote& server = internet_.bind_udp(kResolver);
  begin(dns());
  settle();

  ASSERT_EQ(server.received().size(), 1u);
  const std::string query = server.received().front().text();
  EXPECT_EQ(query.substr(2), std::string("\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1", 31));
}

TEST_F(ProbesTest, ErrorsAndEmptyAnswersAreBad) {
  std::uint8_t rcode = 3;
  internet_.bind_udp(kResolver).on_datagram = [&](sim::UdpRemote& remote,
                                                  const sim::ReceivedDatagram& query) {
    remote.send(query.from, reply_to(query.payload, rcode, 0));
  };
  begin(dns());
  settle();
  EXPECT_EQ(detail(), "answered with code 3");

  rcode = 0;
  advance(30s);
  EXPECT_EQ(detail(), "answered without an address");
}

TEST_F(ProbesTest, StrangersAndWrongIdsAreNoAnswer) {
  sim::UdpRemote& stranger = internet_.bind_udp(SocketAddress::parse("198.51.100.54:53").value());
  internet_.bind_udp(kResolver).on_datagram = [&](sim::UdpRemote& remote,
                                                  const sim::ReceivedDatagram& query) {
    stranger.send(query.from, reply_to(query.payload, 0, 1));
    std::vector<std::uint8_t> wrong = reply_to(query.payload, 0, 1);
    wrong[0] ^= 1;
    remote.send(query.from, wrong);
  };
  begin(dns());
  settle();
  EXPECT_EQ(stats().is_good, std::nullopt);

  advance(5s);
  EXPECT_EQ(detail(), "timed out");
}

TEST_F(ProbesTest, UpstreamOfTheRouterIsAskedWhenNoServerIsNamed) {
  metrics::ProbeConfig config = dns();
  config.dns_server = {};
  begin(config);
  EXPECT_EQ(detail(), "no name server to ask");

  probes_->set_dns_upstreams({kResolver});
  advance(30s);
  EXPECT_EQ(sockets_.udp_opened, 1u);
}

// A host's resolver has a private address more often than not.
TEST_F(ProbesTest, UpstreamOfTheRouterIsNotAskedOfThePolicy) {
  metrics::ProbeConfig config = dns();
  begin(config);
  probes_->set_policy(policy("192.0.2.0/24"));
  probes_->set_dns_upstreams({SocketAddress::parse("10.0.0.53:53").value(), kResolver});
  advance(30s);

  EXPECT_THAT(detail(), testing::Not(HasSubstr("the policy refuses")));
  EXPECT_GE(sockets_.udp_opened, 2u);
}

TEST_F(ProbesTest, DnsServerIsAskedOfThePolicyToo) {
  begin(dns());
  probes_->set_policy(policy("192.0.2.0/24"));
  advance(30s);

  EXPECT_THAT(detail(), HasSubstr("the policy refuses 198.51.100.53:53"));
}

TEST_F(ProbesTest, ConfigurationThatMeansNothingIsAFailedProbe) {
  metrics::ProbeConfig config;
  config.http_url = "https://example.com";
  config.dns_name = "not a name";
  begin(config);

  EXPECT_EQ(probes_->next_deadline(), kNever);
  EXPECT_EQ(health_.probes().size(), 2u);
  EXPECT_EQ(detail(), "https needs the certificate authorities of the system");
}

}  // namespace
}  // namespace wgr
