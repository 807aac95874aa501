// What a connection counts as, how long it may say nothing, and which sessions are too many.
#include <string>

#include "tests/ws/connection_fixture.h"

namespace wgr::ws {
namespace {

TEST_F(ConnectionTest, WhoSaysNothingIsDisconnected) {
  open();
  advance(5s - 1ns);
  EXPECT_FALSE(connection_->is_ended());
  advance(1ns);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(counters_.refused_handshake.value(), 1u);
}

TEST_F(ConnectionTest, TlsHasADeadlineOfItsOwn) {
  open(/*is_tls=*/true);
  advance(5s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.refused_tls.value(), 1u);

  open(/*is_tls=*/true);
  advance(4s);
  connection_->tls_opened(now_);
  advance(5s - 1ns);
  EXPECT_FALSE(connection_->is_ended());
  advance(1ns);
  EXPECT_TRUE(connection_->is_ended());
}

// A source cannot gather connections by asking for the page on each.
TEST_F(ConnectionTest, AConnectionIsCountedFromItsFirstByteToItsLast) {
  config_.limits.kept_alive_per_source = 1;
  open();
  get("/");
  EXPECT_NE(take_output().find("Connection: keep-alive"), std::string::npos);
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(limits_.kept_alive(), 1u);
  EXPECT_EQ(counters_.keep_alive_refused.value(), 0u);
  const auto kept = std::move(connection_);

  open();
  get("/");
  EXPECT_NE(take_output().find("Connection: close"), std::string::npos);
  EXPECT_TRUE(connection_->is_ending());
  EXPECT_EQ(counters_.keep_alive_refused.value(), 1u);
  EXPECT_EQ(limits_.half_open(), 1u);
  connection_->input_ended(now_);
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(counters_.refused_handshake.value(), 0u);

  kept->lost();
  EXPECT_EQ(limits_.kept_alive(), 0u);
}

TEST_F(ConnectionTest, AKeptConnectionThatIsUpgradedIsASessionOnly) {
  open();
  get("/");
  take_output();
  upgrade();
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(limits_.kept_alive(), 0u);
  EXPECT_EQ(limits_.half_open(), 0u);
}

TEST_F(ConnectionTest, WhoWaitsForAHandlerOrIsRefusedIsHalfOpen) {
  open();
  get("/dns-query");
  EXPECT_EQ(limits_.half_open(), 1u);
  connection_.reset();
  EXPECT_EQ(limits_.half_open(), 0u);

  config_.listeners[0].tokens = {{"alice", "SECRET", {}}};
  open();
  upgrade();
  EXPECT_EQ(limits_.half_open(), 1u);
  take_output();
  advance(1min);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(limits_.half_open(), 0u);
}

// The connections of a proxy are the proxy's; the sessions it brings are their clients'.
TEST_F(ConnectionTest, NewSessionsBehindAProxyAreLimitedByClient) {
  config_.trusted_proxies = {Prefix::parse("127.0.0.0/8").value()};
  config_.limits.handshake_burst = 2;
  identity_.is_from_proxy = true;
  const auto come = [&](const std::string& client) {
    connection_.reset();
    const auto config = std::make_shared<const Config>(config_);
    limits_.set_limits(config->limits);
    EXPECT_EQ(limits_.proxy_connection_accepted(identity_.arrival.peer.ip, now_),
              SourceLimits::Verdict::kAccepted);
    connection_ = std::make_unique<Connection>(identity_, std::make_shared<const Profile>(config),
                                               Connection::Shared{pool_, rng_, limits_, counters_}, now_);
    upgrade("/", "Origin: http://localhost\r\nX-Forwarded-For: " + client + "\r\n");
    return connection_->is_session();
  };
  EXPECT_TRUE(come("192.0.2.1"));
  EXPECT_TRUE(come("192.0.2.1"));
  EXPECT_FALSE(come("192.0.2.1"));
  EXPECT_EQ(counters_.refused_rate.value(), 1u);
  EXPECT_TRUE(come("192.0.2.2"));
}

TEST_F(ConnectionTest, TooManySessionsAreToldToTryLater) {
  config_.limits.sessions_per_source = 1;
  open();
  ASSERT_EQ(limits_.session_began(identity_.arrival.peer.ip, now_), SourceLimits::Verdict::kAccepted);
  upgrade();
  EXPECT_FALSE(out_.is_opened);
  EXPECT_FALSE(connection_->was_session());
  // The Close frame is in the figures at once.
  EXPECT_EQ(counters_.queued_bytes.value(), static_cast<std::int64_t>(connection_->queued_bytes()));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kTryAgainLater);
  EXPECT_EQ(counters_.refused_sessions.value(), 1u);
}

}  // namespace
}  // namespace wgr::ws
