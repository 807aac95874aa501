#include "ws/wireguard/dialer.h"

#include <cerrno>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/ws/wireguard/dialer_world.h"

namespace wgr::ws::wireguard {
namespace {

using Texts = std::vector<std::string>;

TEST_F(DialerTest, DatagramsCrossBothWays) {
  EchoServer server{internet_, {ip_, 8086}};
  const SessionId session = dial("ws://198.51.100.7:8086/wg?token=x");
  ASSERT_TRUE(dialer().is_open(session));
  EXPECT_TRUE(is_dialed(session));
  EXPECT_EQ(session.worker(), 3);
  EXPECT_EQ(server.request.path, "/wg");
  EXPECT_EQ(server.request.query, "token=x");
  EXPECT_EQ(server.request.header("host"), "198.51.100.7:8086");
  ASSERT_EQ(sink_.opened.size(), 1u);
  EXPECT_EQ(sink_.opened[0].id, session);
  EXPECT_EQ(sink_.opened[0].source, (SocketAddress{ip_, 8086}));

  send(session, "one");
  send(session, std::string(60'000, 'x'));
  EXPECT_EQ(server.messages, (Texts{"one", std::string(60'000, 'x')}));
  EXPECT_EQ(sink_.datagrams, (Texts{"one", std::string(60'000, 'x')}));
  EXPECT_EQ(counters_.datagrams_sent.value(), 2u);
  EXPECT_EQ(counters_.datagrams_received.value(), 2u);
}

TEST_F(DialerTest, ShortReadsAndWritesChangeNothing) {
  sockets_.max_bytes_per_call = 7;
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dial("ws://198.51.100.7");
  for (int i = 0; i < 20; ++i) send(session, "datagram " + std::to_string(i));
  EXPECT_EQ(server.messages.size(), 20u);
  EXPECT_EQ(sink_.datagrams.size(), 20u);
}

TEST_F(DialerTest, WhatIsSentBeforeTheConnectionWaits) {
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dialer().dial(*parse_dial_url("ws://198.51.100.7"), now_);
  EXPECT_TRUE(dialer().send(session, bytes_of("initiation"), now_));
  settle();
  EXPECT_EQ(server.messages, Texts{"initiation"});
}

TEST_F(DialerTest, TlsIsVerifiedAgainstTheName) {
  CertificateFolder folder;
  const TlsFiles files = folder.make();
  settings_.tls = TlsContext::for_client(files.certificate, /*verify=*/true);
  EchoServer server{internet_, {ip_, 443}, TlsContext::for_server(files)};
  names_["localhost"] = {ip_};
  names_["other.example.org"] = {ip_};

  const SessionId session = dial("wss://localhost/wg");
  ASSERT_TRUE(dialer().is_open(session)) << dialer().failure(session);
  for (int i = 0; i < 100; ++i) dialer().send(session, bytes_of(std::string(1400, 'x')), now_);
  dialer().flush(now_);
  settle();
  EXPECT_EQ(sink_.datagrams.size(), 100u);

  const SessionId other = dial("wss://other.example.org/wg");
  EXPECT_FALSE(dialer().is_open(other));
  EXPECT_TRUE(dialer().failure(other).starts_with("TLS: certificate")) << dialer().failure(other);
}

TEST_F(DialerTest, TlsWithoutAuthoritiesIsAFailureNotAPlainConnection) {
  EchoServer server{internet_, {ip_, 443}};
  const SessionId session = dial("wss://198.51.100.7/wg");
  EXPECT_FALSE(dialer().is_open(session));
  EXPECT_EQ(sockets_.connects, 0u);
}

TEST_F(DialerTest, LostConnectionIsDialedAgainUnderTheSameSession) {
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dial("ws://198.51.100.7");
  server.stream->finish();
  settle();
  EXPECT_FALSE(dialer().is_open(session));
  EXPECT_EQ(dialer().failure(session), "it ended the connection");
  advance(2s);
  EXPECT_TRUE(dialer().is_open(session));
  EXPECT_TRUE(sink_.closed.empty());
  EXPECT_EQ(sink_.opened.size(), 1u);
  send(session, "again");
  EXPECT_EQ(sink_.datagrams, Texts{"again"});
  EXPECT_EQ(counters_.lost.value(), 1u);
  EXPECT_EQ(counters_.open.value(), 1);
}

TEST_F(DialerTest, RefusalsAreRetriedEverMoreRarely) {
  EchoServer server{internet_, {ip_, 80}};
  server.is_forbidding = true;
  const SessionId session = dial("ws://198.51.100.7");
  EXPECT_EQ(dialer().failure(session), "it answers 403");
  advance(10min);
  const std::uint64_t attempts = counters_.attempts.value();
  EXPECT_GE(attempts, 10u);
  EXPECT_LE(attempts, 20u);
  EXPECT_EQ(counters_.failed_upgrade.value(), attempts);
  server.is_forbidding = false;
  advance(75s);
  EXPECT_TRUE(dialer().is_open(session));
}

TEST_F(DialerTest, NextAddressIsTriedWhenOneRefusesOrIsSilent) {
  const IpAddress refusing = IpAddress::v4(198, 51, 100, 8);
  const IpAddress silent = IpAddress::v4(198, 51, 100, 9);
  internet_.host(refusing).connect_error = ECONNREFUSED;
  internet_.host(silent).is_silent = true;
  EchoServer server{internet_, {ip_, 80}};
  names_["peer.example.org"] = {refusing, silent, ip_};
  const SessionId session = dial("ws://peer.example.org");
  advance(5s);
  EXPECT_TRUE(dialer().is_open(session)) << dialer().failure(session);
  EXPECT_EQ(server.request.header("host"), "peer.example.org");
}

TEST_F(DialerTest, UnknownNameIsAskedAgain) {
  const SessionId session = dial("ws://peer.example.org");
  EXPECT_EQ(dialer().failure(session), "name: unknown name");
  EchoServer server{internet_, {ip_, 80}};
  names_["peer.example.org"] = {ip_};
  advance(2s);
  EXPECT_TRUE(dialer().is_open(session));
  EXPECT_EQ(counters_.failed_name.value(), 1u);
}

TEST_F(DialerTest, MuteServerIsGivenUp) {
  EchoServer server{internet_, {ip_, 80}};
  server.is_mute = true;
  const SessionId session = dial("ws://198.51.100.7");
  advance(kAttemptTime);
  EXPECT_EQ(dialer().failure(session), "it did not answer in time");
  EXPECT_EQ(counters_.failed_timeout.value(), 1u);
  EXPECT_EQ(sockets_.open_sockets, 0u);
}

TEST_F(DialerTest, ServerThatFallsSilentIsFoundDead) {
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dial("ws://198.51.100.7");
  server.is_mute = true;
  advance(89s);
  EXPECT_TRUE(dialer().is_open(session));
  advance(1s);
  EXPECT_FALSE(dialer().is_open(session));
  EXPECT_EQ(dialer().failure(session), "two pings were not answered");
}

TEST_F(DialerTest, ProxyIsAskedToConnect) {
  settings_.proxy = *parse_proxy_url("http://user:password@198.51.100.7:3128");
  EchoServer server{internet_, {ip_, 3128}};
  server.is_proxy = true;
  const SessionId session = dial("ws://peer.example.org:8086/wg");
  ASSERT_TRUE(dialer().is_open(session)) << dialer().failure(session);
  EXPECT_EQ(server.proxy_request,
            "CONNECT peer.example.org:8086 HTTP/1.1\r\nHost: peer.example.org:8086\r\n"
            "Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n\r\n");
  EXPECT_EQ(server.request.header("host"), "peer.example.org:8086");
  EchoServer direct{internet_, {ip_, 8086}};
  names_["peer.example.org"] = {ip_};
  dialer().set_settings({});  // for the next connection
  send(session, "through");
  EXPECT_EQ(sink_.datagrams, Texts{"through"});
  server.stream->finish();
  advance(2s);
  EXPECT_EQ(direct.request.path, "/wg");
}

TEST_F(DialerTest, RefusalOfTheProxyIsNamed) {
  settings_.proxy = *parse_proxy_url("http://198.51.100.7:3128");
  EchoServer server{internet_, {ip_, 3128}};
  server.is_proxy = true;
  server.is_forbidding = true;
  const SessionId session = dial("ws://peer.example.org");
  EXPECT_EQ(dialer().failure(session), "the proxy answers 407");
}

TEST_F(DialerTest, EveryDialIsCountedInOneState) {
  EchoServer server{internet_, {ip_, 80}};
  server.is_mute = true;
  const SessionId session = dialer().dial(*parse_dial_url("ws://198.51.100.7"), now_);
  const auto states = [&] {
    return std::vector{counters_.waiting.value(), counters_.trying.value(), counters_.open.value()};
  };
  EXPECT_EQ(states(), (std::vector<std::int64_t>{1, 0, 0}));
  settle();
  EXPECT_EQ(states(), (std::vector<std::int64_t>{0, 1, 0}));
  advance(kAttemptTime);
  EXPECT_EQ(states(), (std::vector<std::int64_t>{1, 0, 0}));
  server.is_mute = false;
  advance(2s);
  EXPECT_EQ(states(), (std::vector<std::int64_t>{0, 0, 1}));
  server.stream->reset();
  settle();
  EXPECT_EQ(states(), (std::vector<std::int64_t>{1, 0, 0}));
  dialer().drop(session, now_);
  EXPECT_EQ(states(), (std::vector<std::int64_t>{0, 0, 0}));
}

// A handshake that waited for longer than WireGuard's own retry has been sent again meanwhile.
TEST_F(DialerTest, WhatWaitedTooLongForTheConnectionIsACountedDrop) {
  EchoServer server{internet_, {ip_, 80}};
  server.is_mute = true;
  const SessionId session = dial("ws://198.51.100.7");
  send(session, "old");
  advance(kAttemptTime);
  server.is_mute = false;
  send(session, "new");
  advance(2s);
  EXPECT_EQ(server.messages, Texts{"new"});
  EXPECT_EQ(counters_.datagrams_dropped.value(), 1u);
}

TEST_F(DialerTest, DroppedDialSaysGoodbyeAndIsGone) {
  EchoServer server{internet_, {ip_, 80}};
  const SessionId session = dial("ws://198.51.100.7");
  dialer().drop(session, now_);
  settle();
  EXPECT_EQ(sink_.closed, std::vector<SessionId>{session});
  EXPECT_TRUE(server.stream->peer_closed());
  EXPECT_FALSE(dialer().send(session, bytes_of("late"), now_));
  EXPECT_EQ(dialer().next_deadline(), kNever);
  EXPECT_EQ(counters_.open.value(), 0);
  EXPECT_EQ(counters_.waiting.value(), 0);
}

}  // namespace
}  // namespace wgr::ws::wireguard
