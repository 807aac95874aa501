// Autobahn groups 1 (framing), 2 (pings and pongs), 3 (reserved bits), 4 (opcodes) and 10 (odds and ends).
#include "tests/ws/autobahn.h"

namespace wgr::ws {
namespace {

Opcode opcode(int value) { return static_cast<Opcode>(value); }

std::vector<AutobahnCase> framing_cases() {
  std::vector<AutobahnCase> cases;
  // 1.1.8 and 1.2.8 are 65536 bytes cut in pieces of 997, which is how every case is also fed.
  const std::size_t sizes[] = {0, 125, 126, 127, 128, 65535, 65536, 65536};
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    const std::string as_text(sizes[i], '*');
    const std::string as_binary(sizes[i], '\xfe');
    cases.push_back(clean("1.1." + std::to_string(i + 1), {text(as_text)}, {text_message(as_text)}));
    cases.push_back(clean("1.2." + std::to_string(i + 1), {binary(as_binary)}, {binary_message(as_binary)}));
  }
  return cases;
}

std::vector<AutobahnCase> ping_cases() {
  const std::string not_text{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8};
  std::vector<RawFrame> pings;
  std::vector<RawFrame> pongs;
  for (int i = 0; i < 10; ++i) {
    pings.push_back(ping("payload-" + std::to_string(i)));
    pongs.push_back(pong("payload-" + std::to_string(i)));
  }
  return {
      clean("2.1", {ping()}, {}, {pong()}),
      clean("2.2", {ping("Hello, world!")}, {}, {pong("Hello, world!")}),
      clean("2.3", {ping(not_text)}, {}, {pong(not_text)}),
      clean("2.4", {ping(std::string(125, '\xfe'))}, {}, {pong(std::string(125, '\xfe'))}),
      failing("2.5", {ping(std::string(126, '\xfe'))}, 1002),
      clean("2.6", {ping(std::string(125, '\xfe'))}, {}, {pong(std::string(125, '\xfe'))}),
      clean("2.7", {pong()}, {}),
      clean("2.8", {pong("unsolicited pong payload")}, {}),
      clean("2.9", {pong("unsolicited pong payload"), ping("ping payload")}, {}, {pong("ping payload")}),
      clean("2.10", pings, {}, pongs),
      clean("2.11", pings, {}, pongs),
  };
}

std::vector<AutobahnCase> reserved_bit_cases() {
  const std::string hello = "Hello, world!";
  const auto with_bits = [](RawFrame frame, std::uint8_t bits) {
    frame.reserved_bits = bits;
    return frame;
  };
  std::vector<AutobahnCase> cases;
  cases.push_back(failing("3.1", {with_bits(text(hello), 1)}, 1002));
  for (int bits = 2; bits <= 4; ++bits) {
    cases.push_back(failing("3." + std::to_string(bits),
                            {text(hello), with_bits(text(hello), std::uint8_t(bits)), ping()}, 1002,
                            {text_message(hello)}));
  }
  cases.push_back(failing("3.5", {with_bits(binary(std::string(8, '\xff')), 5)}, 1002));
  cases.push_back(failing("3.6", {with_bits(ping(hello), 6)}, 1002));
  cases.push_back(failing("3.7", {with_bits({Opcode::kClose, ""}, 7)}, 1002));
  return cases;
}

std::vector<AutobahnCase> opcode_cases() {
  const std::string hello = "Hello, world!";
  std::vector<AutobahnCase> cases;
  for (const auto& [group, first] : {std::pair{"4.1.", 3}, std::pair{"4.2.", 11}}) {
    cases.push_back(failing(group + std::string{"1"}, {{opcode(first), ""}}, 1002));
    cases.push_back(failing(group + std::string{"2"}, {{opcode(first + 1), "reserved"}}, 1002));
    for (int i = 2; i < 5; ++i) {
      const std::string payload = i % 2 == 0 ? "" : hello;
      cases.push_back(failing(group + std::to_string(i + 1),
                              {text(hello), {opcode(first + i), payload}, ping()}, 1002,
                              {text_message(hello)}));
    }
  }
  return cases;
}

// 10.1.1: 65536 bytes of text in frames of 1300.
std::vector<AutobahnCase> fragmenting_cases() {
  const std::string whole(65536, '*');
  std::vector<RawFrame> frames;
  for (std::size_t at = 0; at < whole.size(); at += 1300) {
    RawFrame frame = more(whole.substr(at, 1300), at + 1300 >= whole.size());
    if (at == 0) frame.opcode = Opcode::kText;
    frames.push_back(frame);
  }
  return {clean("10.1.1", frames, {text_message(whole)})};
}

WGR_AUTOBAHN_GROUP(AutobahnFramingTest, framing_cases());
WGR_AUTOBAHN_GROUP(AutobahnPingTest, ping_cases());
WGR_AUTOBAHN_GROUP(AutobahnReservedBitTest, reserved_bit_cases());
WGR_AUTOBAHN_GROUP(AutobahnOpcodeTest, opcode_cases());
WGR_AUTOBAHN_GROUP(AutobahnFragmentingTest, fragmenting_cases());

}  // namespace
}  // namespace wgr::ws
