#include "ws/websocket.h"

#include "gtest/gtest.h"

#include "tests/ws/frames.h"

namespace wgr::ws {
namespace {

using namespace std::chrono_literals;
using State = WebSocket::State;
using Ending = WebSocket::Ending;

constexpr WebSocket::Settings kSettings{.message_bytes = 2000, .fragments = 4, .queue_bytes = 10000};

class WebSocketTest : public testing::Test {
 protected:
  // As the client sends it.
  void receive(const RawFrame& frame) { server_.receive(frame.encoded_by(Role::kClient)); }
  void advance(Duration by) {
    server_.now += by;
    server_.socket().on_deadline(server_.now);
  }
  void expect_failed_with(std::uint16_t code, Ending ending = Ending::kProtocolError) {
    EXPECT_EQ(server_.socket().state(), State::kClosed);
    EXPECT_EQ(server_.socket().ending(), ending);
    EXPECT_EQ(server_.socket().ended_with(), code);
    const std::vector<RawFrame> frames = server_.frames_written();
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(frames.back().opcode, Opcode::kClose);
    EXPECT_EQ(frames.back().payload.substr(0, 2), close_payload(code));
  }

  TestEndpoint server_{Role::kServer, kSettings};
};

// ---- messages

TEST_F(WebSocketTest, WholeMessagesAreViewsIntoTheInput) {
  std::string wire = RawFrame{.payload = "one"}.encoded_by(Role::kClient) +
                     RawFrame{.payload = std::string(200, 'x')}.encoded_by(Role::kClient);
  std::vector<std::uint8_t> input(wire.begin(), wire.end());
  std::vector<Message> messages;
  server_.socket().receive(input, server_.now, messages);

  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].bytes.data(), input.data() + 6);
  EXPECT_EQ(messages[1].bytes.data(), input.data() + 9 + 8);
  EXPECT_EQ(text_of(messages[1].bytes), std::string(200, 'x'));
}

TEST_F(WebSocketTest, MessagesOfOneInputStayValidTogether) {
  const std::string cut = RawFrame{.payload = std::string(300, 'a')}.encoded_by(Role::kClient);
  server_.receive(cut.substr(0, 100));
  const RawFrame begin{.payload = "bb", .is_final = false};
  const RawFrame end{Opcode::kContinuation, "cc"};
  std::string wire = cut.substr(100);
  for (const RawFrame& frame : {begin, end, RawFrame{.payload = "dd"}, begin, end}) {
    wire += frame.encoded_by(Role::kClient);
  }
  std::vector<std::uint8_t> input(wire.begin(), wire.end());
  std::vector<Message> messages;
  server_.socket().receive(input, server_.now, messages);

  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(text_of(messages[0].bytes), std::string(300, 'a'));
  EXPECT_EQ(text_of(messages[1].bytes), "bbcc");
  EXPECT_EQ(text_of(messages[2].bytes), "dd");
  EXPECT_EQ(text_of(messages[3].bytes), "bbcc");
}

TEST_F(WebSocketTest, EmptyMessagesAreMessages) {
  receive({.payload = ""});
  EXPECT_EQ(server_.messages, (std::vector<TakenMessage>{{MessageKind::kBinary, ""}}));
}

TEST_F(WebSocketTest, MessageOfExactlyTheBoundPasses) {
  receive({.payload = std::string(1000, 'x'), .is_final = false});
  receive({Opcode::kContinuation, std::string(1000, 'y')});
  ASSERT_EQ(server_.messages.size(), 1u);
  EXPECT_EQ(server_.messages[0].bytes.size(), 2000u);
}

// ---- faults of the other side

TEST_F(WebSocketTest, LongMessageIsRefusedByItsHeaderAlone) {
  const std::string frame = RawFrame{.payload = std::string(2001, 'x')}.encoded_by(Role::kClient);
  server_.receive(frame.substr(0, 8));
  expect_failed_with(close_code::kTooBig);
}

TEST_F(WebSocketTest, FragmentsAreBoundedTogether) {
  receive({.payload = std::string(1000, 'x'), .is_final = false});
  receive({Opcode::kContinuation, std::string(1001, 'y')});
  expect_failed_with(close_code::kTooBig);
}

TEST_F(WebSocketTest, ManyFragmentsAreRefused) {
  receive({.payload = "", .is_final = false});
  for (int i = 0; i < 3; ++i) receive({Opcode::kContinuation, "", false});
  EXPECT_EQ(server_.socket().state(), State::kOpen);
  receive({Opcode::kContinuation, "", false});
  expect_failed_with(close_code::kPolicy, Ending::kPolicy);
}

TEST_F(WebSocketTest, UnmaskedFrameOfAClientIsRefused) {
  server_.receive(RawFrame{.payload = "bare"}.encoded_by(Role::kServer));
  expect_failed_with(close_code::kProtocolError);
  EXPECT_TRUE(server_.messages.empty());
}

TEST_F(WebSocketTest, UnmaskedFramesAreTakenWhereTheyAreAllowed) {
  WebSocket::Settings lenient = kSettings;
  lenient.accepts_unmasked = true;
  TestEndpoint server{Role::kServer, lenient};
  server.receive(RawFrame{.payload = "bare"}.encoded_by(Role::kServer));
  server.receive(RawFrame{.payload = "masked"}.encoded_by(Role::kClient));
  ASSERT_EQ(server.messages.size(), 2u);
  EXPECT_EQ(server.messages[0].bytes, "bare");
  EXPECT_EQ(server.messages[1].bytes, "masked");
}

TEST_F(WebSocketTest, MaskedFrameOfAServerIsRefused) {
  TestEndpoint client{Role::kClient, kSettings};
  client.receive(RawFrame{.payload = "masked"}.encoded_by(Role::kClient));
  EXPECT_EQ(client.socket().ended_with(), close_code::kProtocolError);
}

TEST_F(WebSocketTest, TextIsRefusedWhereNobodyReadsIt) {
  receive({Opcode::kText, "ping:1"});
  expect_failed_with(close_code::kUnsupported);
}

TEST_F(WebSocketTest, LengthWithMoreBytesThanItNeedsIsRefused) {
  using namespace std::string_literals;
  const std::string padded[] = {"\x82\xfe\x00\x7d"s, "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"s,
                                "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s};
  for (const std::string& header : padded) {
    TestEndpoint server{Role::kServer, kSettings};
    server.receive(header + "\x01\x02\x03\x04");
    EXPECT_EQ(server.socket().ended_with(), close_code::kProtocolError);
  }
}

TEST_F(WebSocketTest, WhatCameBeforeAFaultIsDelivered) {
  const std::string good = RawFrame{.payload = "good"}.encoded_by(Role::kClient);
  server_.receive(good + RawFrame{.payload = "bad"}.encoded_by(Role::kServer) + good);
  EXPECT_EQ(server_.messages, (std::vector<TakenMessage>{{MessageKind::kBinary, "good"}}));
  expect_failed_with(close_code::kProtocolError);
}

TEST_F(WebSocketTest, HalfAMessageIsForgottenWhenTheConnectionFails) {
  receive({.payload = "half", .is_final = false});
  receive({.payload = "another"});
  expect_failed_with(close_code::kProtocolError);
  EXPECT_TRUE(server_.messages.empty());
}

// ---- closing

TEST_F(WebSocketTest, CloseOfTheOtherSideIsAnsweredOnceWithItsCode) {
  receive(close_frame(1001, "going"));
  receive(close_frame(1001, "going"));
  EXPECT_EQ(server_.frames_written(), std::vector<RawFrame>{close_frame(1001)});
  EXPECT_EQ(server_.socket().ending(), Ending::kByOtherSide);
  EXPECT_FALSE(server_.socket().send(MessageKind::kBinary, bytes_of("late")));
}

TEST_F(WebSocketTest, OurCloseWaitsForTheAnswerAndDropsWhatComesBefore) {
  server_.socket().close(4003, "no such token", server_.now);
  EXPECT_EQ(server_.socket().state(), State::kClosing);
  receive({.payload = "late"});
  receive({Opcode::kPing, "late"});
  receive(close_frame(4003));

  EXPECT_EQ(server_.socket().state(), State::kClosed);
  EXPECT_EQ(server_.socket().ending(), Ending::kByUs);
  EXPECT_EQ(server_.socket().ended_with(), 4003);
  EXPECT_TRUE(server_.messages.empty());
  EXPECT_EQ(server_.frames_written(), std::vector<RawFrame>{close_frame(4003, "no such token")});
}

TEST_F(WebSocketTest, OurCloseGivesUpWaiting) {
  server_.socket().close(close_code::kGoingAway, "", server_.now);
  EXPECT_EQ(server_.socket().next_deadline(), server_.now + kSettings.close_timeout);
  advance(kSettings.close_timeout - 1ns);
  EXPECT_EQ(server_.socket().state(), State::kClosing);
  advance(1ns);
  EXPECT_EQ(server_.socket().state(), State::kClosed);
}

TEST_F(WebSocketTest, FaultWhileClosingSendsNoSecondClose) {
  server_.socket().close(close_code::kGoingAway, "", server_.now);
  server_.receive(RawFrame{.payload = "bare"}.encoded_by(Role::kServer));
  EXPECT_EQ(server_.socket().state(), State::kClosed);
  EXPECT_EQ(server_.frames_written(), std::vector<RawFrame>{close_frame(1001)});
}

TEST_F(WebSocketTest, LongReasonIsCutBetweenCharacters) {
  const std::string reason = std::string(122, 'x') + "\xc3\xa4\xc3\xa4";
  server_.socket().close(close_code::kPolicy, reason, server_.now);
  EXPECT_EQ(server_.frames_written(), std::vector<RawFrame>{close_frame(1008, std::string(122, 'x'))});
}

// ---- pings

TEST_F(WebSocketTest, SilenceIsPingedTwiceAndThenDead) {
  advance(30s - 1ns);
  EXPECT_TRUE(server_.socket().queue().empty());
  advance(1ns);
  advance(30s);
  const RawFrame ping{Opcode::kPing, ""};
  EXPECT_EQ(server_.frames_written(), (std::vector<RawFrame>{ping, ping}));
  EXPECT_EQ(server_.socket().pings_sent(), 2u);
  advance(30s);
  EXPECT_EQ(server_.socket().state(), State::kClosed);
  EXPECT_EQ(server_.socket().ending(), Ending::kDead);
  EXPECT_TRUE(server_.socket().was_lost());
  EXPECT_TRUE(server_.socket().queue().empty());
}

TEST_F(WebSocketTest, AnythingHeardEndsTheSilence) {
  advance(30s);
  advance(30s);
  receive({Opcode::kPong, ""});
  EXPECT_EQ(server_.socket().next_deadline(), server_.now + 30s);
  advance(30s);
  EXPECT_EQ(server_.socket().state(), State::kOpen);
}

TEST_F(WebSocketTest, LateWakeUpStillLeavesTimeToAnswer) {
  advance(1h);
  EXPECT_EQ(server_.socket().next_deadline(), server_.now + 30s);
  advance(0s);
  EXPECT_EQ(server_.socket().pings_sent(), 1u);
}

TEST_F(WebSocketTest, PingsWithinTheRateAreAnswered) {
  for (int i = 0; i < 50; ++i) {
    receive({Opcode::kPing, std::to_string(i)});
    EXPECT_EQ(server_.frames_written(), (std::vector<RawFrame>{{Opcode::kPong, std::to_string(i)}}));
    advance(100ms);
  }
  EXPECT_EQ(server_.socket().state(), State::kOpen);
}

TEST_F(WebSocketTest, FloodOfPingsEndsTheConnection) {
  for (int i = 0; i < 10; ++i) receive({Opcode::kPing, ""});
  EXPECT_EQ(server_.socket().state(), State::kOpen);
  receive({Opcode::kPing, ""});
  expect_failed_with(close_code::kPolicy, Ending::kPolicy);
}

TEST_F(WebSocketTest, FloodOfPongsEndsTheConnection) {
  for (int i = 0; i < 11; ++i) receive({Opcode::kPong, ""});
  expect_failed_with(close_code::kPolicy, Ending::kPolicy);
}

// ---- sending

TEST_F(WebSocketTest, MessageOfTwoPiecesIsOneMessage) {
  EXPECT_TRUE(server_.socket().send(MessageKind::kBinary, bytes_of("len"), bytes_of("frame")));
  EXPECT_EQ(server_.frames_written(), std::vector<RawFrame>{{.payload = "lenframe"}});
}

TEST_F(WebSocketTest, OldestMessagesGiveWayButControlFramesStay) {
  receive({Opcode::kPing, "p"});
  for (char c = 'a'; c <= 'z'; ++c) {
    EXPECT_TRUE(server_.socket().send(MessageKind::kBinary, bytes_of(std::string(1000, c))));
  }
  const std::vector<RawFrame> written = server_.frames_written();
  ASSERT_EQ(written.size(), 10u);
  EXPECT_EQ(written[0], (RawFrame{Opcode::kPong, "p"}));
  EXPECT_EQ(written[1].payload, std::string(1000, 'r'));
  EXPECT_EQ(written[9].payload, std::string(1000, 'z'));
  EXPECT_EQ(server_.socket().queue().tally().messages_dropped, 17u);
  EXPECT_EQ(server_.socket().queue().tally().messages_sent, 9u);
}

TEST_F(WebSocketTest, MessageLongerThanTheQueueIsRefusedAndCounted) {
  EXPECT_FALSE(server_.socket().send(MessageKind::kBinary, bytes_of(std::string(10000, 'x'))));
  EXPECT_EQ(server_.socket().queue().tally().messages_dropped, 1u);
  EXPECT_EQ(server_.socket().state(), State::kOpen);
}

// Both roles, random sizes and kinds, cut anywhere.
TEST_F(WebSocketTest, ClientAndServerUnderstandEachOther) {
  const WebSocket::Settings settings{.message_bytes = 100'000, .queue_bytes = 1 << 20, .accepts_text = true};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{seed};
    TestEndpoint client{Role::kClient, settings, seed};
    TestEndpoint server{Role::kServer, settings, seed + 1000};
    std::vector<TakenMessage> sent;
    for (int i = 0; i < 60; ++i) {
      const std::size_t bound = i % 20 == 0 ? 90'000 : 2000;
      const std::string payload(rng.below(bound), char('a' + i % 26));
      const MessageKind kind = rng.below(3) == 0 ? MessageKind::kText : MessageKind::kBinary;
      const std::size_t cut = rng.below(payload.size() + 1);
      sent.push_back({kind, payload});
      for (TestEndpoint* from : {&client, &server}) {
        ASSERT_TRUE(from->socket().send(kind, bytes_of(payload).first(cut), bytes_of(payload).subspan(cut)));
      }
      server.receive(take_written(client.socket().queue()), Chop::kOdd);
      client.receive(take_written(server.socket().queue()), Chop::kOdd);
    }
    EXPECT_EQ(server.messages, sent);
    EXPECT_EQ(client.messages, sent);

    client.socket().close(close_code::kNormal, "done", client.now);
    server.receive(take_written(client.socket().queue()));
    client.receive(take_written(server.socket().queue()));
    EXPECT_EQ(server.socket().ending(), Ending::kByOtherSide);
    EXPECT_EQ(client.socket().state(), State::kClosed);
  }
}

TEST_F(WebSocketTest, IdleConnectionHoldsNoMemory) {
  EXPECT_LT(sizeof(WebSocket), 600u);
  server_.socket().send(MessageKind::kBinary, bytes_of("x"));
  EXPECT_EQ(server_.pool().spare(), 0u);
  take_written(server_.socket().queue());
  EXPECT_EQ(server_.pool().spare(), 1u);
}

}  // namespace
}  // namespace wgr::ws
