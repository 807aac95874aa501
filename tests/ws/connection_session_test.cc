// A connection after its upgrade: messages of each service, silence, stalls and the end.
#include <string>

#include "tests/ws/connection_fixture.h"

namespace wgr::ws {
namespace {

TEST_F(ConnectionTest, UpgradesAndCarriesMessages) {
  open();
  upgrade();
  EXPECT_TRUE(out_.is_opened);
  EXPECT_TRUE(connection_->is_session());
  EXPECT_EQ(limits_.half_open(), 0u);
  EXPECT_EQ(limits_.sessions(), 1u);
  EXPECT_TRUE(received_messages().empty());

  send_message("a frame of 14+");
  EXPECT_EQ(payloads_, std::vector<std::string>{"a frame of 14+"});
  EXPECT_TRUE(connection_->send(bytes_of("an answer")));
  EXPECT_EQ(received_messages(), std::vector<std::string>{"an answer"});
  connection_.reset();
  EXPECT_EQ(limits_.sessions(), 0u);
  EXPECT_EQ(counters_.ethernet.sessions.value(), 0);
}

// A client need not wait for the 101.
TEST_F(ConnectionTest, MessagesRightBehindTheRequestAreNotLost) {
  open();
  receive("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          std::string{kKey} + "\r\n" + std::string{"\x82\x82\x00\x00\x00\x00hi", 8});
  EXPECT_TRUE(out_.is_opened);
  EXPECT_EQ(payloads_, std::vector<std::string>{"hi"});
}

// container2wasm: frames behind their lengths, cut anywhere.
TEST_F(ConnectionTest, SpeaksQemusStreamWhereItIsAskedTo) {
  open();
  upgrade("/", "Sec-WebSocket-Protocol: binary\r\n");
  EXPECT_NE(take_output().find("Sec-WebSocket-Protocol: binary"), std::string::npos);
  send_message(std::string{"\0\0\0\x03", 4});
  EXPECT_TRUE(payloads_.empty());
  send_message(std::string{"abc\0\0\0\2de", 9});
  EXPECT_EQ(payloads_, (std::vector<std::string>{"abc", "de"}));

  connection_->send(bytes_of("xyz"));
  EXPECT_EQ(received_messages(), (std::vector<std::string>{std::string{"\0\0\0\3xyz", 7}}));

  send_message(std::string{"\0\1\xff\xff", 4});
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kProtocolError);
}

// JSLinux and jor1k.
TEST_F(ConnectionTest, AnswersPingsOfText) {
  open();
  upgrade();
  send_message("ping:42", MessageKind::kText);
  EXPECT_TRUE(payloads_.empty());
  EXPECT_EQ(received_messages(), std::vector<std::string>{"pong:42"});
}

TEST_F(ConnectionTest, TextThatSaysNothingToTheServiceIsIgnored) {
  for (const char* path : {"/", "/wg"}) {
    SCOPED_TRACE(path);
    open();
    upgrade(path);
    send_message("hello", MessageKind::kText);
    EXPECT_TRUE(payloads_.empty());
    EXPECT_TRUE(received_messages().empty());
    EXPECT_TRUE(connection_->is_session());
    send_message("datagram");
    EXPECT_EQ(payloads_, std::vector<std::string>{"datagram"});
  }
  send_message("ping:42", MessageKind::kText);  // for stations only
  EXPECT_TRUE(received_messages().empty());
  EXPECT_EQ(counters_.ethernet.messages_ignored.value(), 1u);
  EXPECT_EQ(counters_.wireguard.messages_ignored.value(), 2u);
}

TEST_F(ConnectionTest, ATunnelToElsewhereIsToldSoByACloseCode) {
  config_.tunnels.port = 51820;
  open();
  // {"p":"Udp","r":"a.example","rp":53}
  upgrade("/v1/events",
          "Origin: http://localhost\r\nSec-WebSocket-Protocol: v1, "
          "authorization.bearer.e30.eyJwIjoiVWRwIiwiciI6ImEuZXhhbXBsZSIsInJwIjo1M30.e30\r\n");
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kRefused);
  EXPECT_EQ(counters_.refused_tunnel.value(), 1u);
  EXPECT_FALSE(out_.is_opened);
}

TEST_F(ConnectionTest, OnlyATunnelMayLeaveItsFramesUnmasked) {
  const std::string_view bare =
      "\x82\x08"
      "datagram";  // a whole binary message
  open();
  upgrade("/v1/events", "Sec-WebSocket-Protocol: v1, authorization.bearer.e30.e30.e30\r\n");
  take_output();
  receive(bare);
  EXPECT_EQ(payloads_, std::vector<std::string>{"datagram"});

  open();
  upgrade("/wg");
  take_output();
  receive(bare);
  EXPECT_TRUE(payloads_.empty());
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kProtocolError);
}

TEST_F(ConnectionTest, IsHeardAtMostOnceASecond) {
  open();
  upgrade();
  send_message("1");
  EXPECT_FALSE(out_.is_heard);
  now_ += 1s;
  send_message("2");
  EXPECT_TRUE(out_.is_heard);
  send_message("3");
  EXPECT_FALSE(out_.is_heard);
}

TEST_F(ConnectionTest, ASilentSessionIsPingedAndThenDead) {
  open();
  upgrade();
  take_output();
  advance(30s);
  EXPECT_EQ(take_output(), std::string("\x89\0", 2));
  advance(30s);
  EXPECT_EQ(take_output(), std::string("\x89\0", 2));
  EXPECT_FALSE(connection_->is_ended());
  advance(30s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.closed_dead.value(), 1u);
  EXPECT_EQ(counters_.pings_sent.value(), 2u);
  EXPECT_EQ(limits_.sessions(), 0u);
}

TEST_F(ConnectionTest, AStalledReaderCostsItsBoundAndThenItsSession) {
  config_.limits.queue_bytes = 10'000;
  open();
  upgrade();
  take_output();
  const std::vector<std::uint8_t> frame(1000);
  for (int i = 0; i < 100; ++i) connection_->send(frame);
  EXPECT_LE(connection_->queued_bytes(), 10'000u);
  EXPECT_GE(counters_.ethernet.messages_dropped.value(), 90u);
  EXPECT_EQ(counters_.queued_bytes.value(), static_cast<std::int64_t>(connection_->queued_bytes()));

  connection_->note_write(/*has_progress=*/false, /*is_blocked=*/true, now_);
  advance(9s);
  take_output(/*most=*/1);  // one byte moves: it lives
  advance(9s);
  EXPECT_FALSE(connection_->is_ended());
  advance(1s);
  EXPECT_TRUE(connection_->is_ended());
  EXPECT_EQ(counters_.closed_stalled.value(), 1u);
  EXPECT_EQ(counters_.queued_bytes.value(), 0);
}

TEST_F(ConnectionTest, AMessageTooLongEndsTheSession) {
  open();
  upgrade();
  send_message(std::string(70'000, 'x'));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kTooBig);
  EXPECT_TRUE(payloads_.empty());
  EXPECT_EQ(counters_.closed_protocol_error.value(), 1u);
}

TEST_F(ConnectionTest, DrainSaysGoingAway) {
  open();
  upgrade();
  connection_->drain(now_);
  EXPECT_FALSE(connection_->is_session());
  EXPECT_FALSE(connection_->send(bytes_of("late")));
  received_messages();
  EXPECT_EQ(client_.ended_with(), close_code::kGoingAway);
  advance(2s);
  EXPECT_TRUE(connection_->is_ending() || connection_->is_ended());
  EXPECT_EQ(counters_.closed_by_us.value(), 1u);
}

}  // namespace
}  // namespace wgr::ws
