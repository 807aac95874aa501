// The cases of the Autobahn TestSuite (groups 1 to 7 and 10) as raw frames against one endpoint: a case says
// what the other side sends, which messages must come out and how it must end. Each is fed whole, octet by
// octet and in odd pieces. The suite's "echo" is the message that comes out here; its clean end is a Close
// frame of the other side that is answered.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "tests/ws/frames.h"

namespace wgr::ws {

struct AutobahnCase {
  std::string number;  // "1.1.1"
  std::vector<RawFrame> sent;
  std::vector<TakenMessage> messages;
  std::vector<RawFrame> answers;  // the frames written, in order, a Close frame's reason left out
};

inline AutobahnCase clean(std::string number, std::vector<RawFrame> sent, std::vector<TakenMessage> messages,
                          std::vector<RawFrame> answers = {}) {
  sent.push_back(close_frame(1000));
  answers.push_back(close_frame(1000));
  return {std::move(number), std::move(sent), std::move(messages), std::move(answers)};
}
inline AutobahnCase failing(std::string number, std::vector<RawFrame> sent, std::uint16_t code,
                            std::vector<TakenMessage> messages = {}, std::vector<RawFrame> answers = {}) {
  answers.push_back(close_frame(code));
  return {std::move(number), std::move(sent), std::move(messages), std::move(answers)};
}

inline RawFrame text(std::string payload, bool is_final = true) { return {Opcode::kText, payload, is_final}; }
inline RawFrame binary(std::string payload, bool is_final = true) {
  return {Opcode::kBinary, payload, is_final};
}
inline RawFrame more(std::string payload, bool is_final) {
  return {Opcode::kContinuation, payload, is_final};
}
inline RawFrame ping(std::string payload = {}) { return {Opcode::kPing, payload}; }
inline RawFrame pong(std::string payload = {}) { return {Opcode::kPong, payload}; }
inline TakenMessage text_message(std::string bytes) { return {MessageKind::kText, bytes}; }
inline TakenMessage binary_message(std::string bytes) { return {MessageKind::kBinary, bytes}; }

inline WebSocket::Settings autobahn_settings() {
  return {.message_bytes = 1024 * 1024, .queue_bytes = 4 * 1024 * 1024, .accepts_text = true};
}

class AutobahnTest : public testing::TestWithParam<AutobahnCase> {
 protected:
  static void run(const AutobahnCase& expected, Chop chop) {
    TestEndpoint server{Role::kServer, autobahn_settings()};
    std::string sent;
    for (const RawFrame& frame : expected.sent) sent += frame.encoded_by(Role::kClient);
    server.receive(sent, chop);

    EXPECT_EQ(server.messages, expected.messages);
    std::vector<RawFrame> answers = server.frames_written();
    for (RawFrame& answer : answers) {
      if (answer.opcode == Opcode::kClose && answer.payload.size() > 2) answer.payload.resize(2);
    }
    EXPECT_EQ(answers, expected.answers);
    EXPECT_EQ(server.socket().state(), WebSocket::State::kClosed);
    EXPECT_EQ(server.socket().next_deadline(), kNever);
  }
};

inline std::string case_name(const testing::TestParamInfo<AutobahnCase>& info) {
  std::string name = "Case_" + info.param.number;
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
}

}  // namespace wgr::ws

// The three ways to cut the input, for the cases of one group.
#define WGR_AUTOBAHN_GROUP(Group, cases)                               \
  class Group : public AutobahnTest {};                                \
  TEST_P(Group, HoldsWhole) { run(GetParam(), Chop::kWhole); }         \
  TEST_P(Group, HoldsOctetByOctet) { run(GetParam(), Chop::kOctets); } \
  TEST_P(Group, HoldsInOddPieces) { run(GetParam(), Chop::kOdd); }     \
  INSTANTIATE_TEST_SUITE_P(Autobahn, Group, testing::ValuesIn(cases), case_name)
