// Autobahn groups 5 (fragmentation) and 7 (closing).
#include "tests/ws/autobahn.h"

namespace wgr::ws {
namespace {

std::vector<AutobahnCase> fragmentation_cases() {
  const RawFrame first = text("fragment1", false);
  const RawFrame last = more("fragment2", true);
  const TakenMessage both = text_message("fragment1fragment2");
  const std::string pinged = "ping payload";
  // 5.9 to 5.14: a continuation of nothing, then a message; they differ in FIN and in how they are cut.
  const auto lonely = [](std::string number, bool is_final) {
    return failing(std::move(number), {more("non-continuation payload", is_final), text("Hello, world!")},
                   1002);
  };
  // 5.16 and 5.17: twice a continuation of nothing, then a message in two.
  const auto lonely_twice = [](std::string number, bool is_final) {
    const std::vector<RawFrame> once{more("fragment1", is_final), text("fragment2", false),
                                     more("fragment3", true)};
    std::vector<RawFrame> twice = once;
    twice.insert(twice.end(), once.begin(), once.end());
    return failing(std::move(number), twice, 1002);
  };
  const std::vector<RawFrame> five{text("fragment1", false), more("fragment2", false), ping("pongme 1!"),
                                   more("fragment3", false), more("fragment4", false), ping("pongme 2!"),
                                   more("fragment5", true)};
  const TakenMessage five_message = text_message("fragment1fragment2fragment3fragment4fragment5");
  return {
      failing("5.1", {{Opcode::kPing, "fragment1", false}, more("fragment2", true)}, 1002),
      failing("5.2", {{Opcode::kPong, "fragment1", false}, more("fragment2", true)}, 1002),
      clean("5.3", {first, last}, {both}),
      clean("5.4", {first, last}, {both}),
      clean("5.5", {first, last}, {both}),
      clean("5.6", {first, ping(pinged), last}, {both}, {pong(pinged)}),
      clean("5.7", {first, ping(pinged), last}, {both}, {pong(pinged)}),
      clean("5.8", {first, ping(pinged), last}, {both}, {pong(pinged)}),
      lonely("5.9", true),
      lonely("5.10", true),
      lonely("5.11", true),
      lonely("5.12", false),
      lonely("5.13", false),
      lonely("5.14", false),
      failing("5.15", {first, last, more("fragment3", false), text("fragment4")}, 1002, {both}),
      lonely_twice("5.16", false),
      lonely_twice("5.17", true),
      failing("5.18", {first, text("fragment2")}, 1002),
      clean("5.19", five, {five_message}, {pong("pongme 1!"), pong("pongme 2!")}),
      clean("5.20", five, {five_message}, {pong("pongme 1!"), pong("pongme 2!")}),
  };
}

std::vector<AutobahnCase> closing_cases() {
  const std::string large(256 * 1024, 'B');
  const RawFrame empty_close{Opcode::kClose, ""};
  return {
      clean("7.1.1", {text("Hello World!")}, {text_message("Hello World!")}),
      // What follows a Close frame is neither delivered nor answered.
      {"7.1.2", {close_frame(1000), close_frame(1000)}, {}, {close_frame(1000)}},
      {"7.1.3", {close_frame(1000), ping()}, {}, {close_frame(1000)}},
      {"7.1.4", {close_frame(1000), text("Hello World!")}, {}, {close_frame(1000)}},
      {"7.1.5",
       {text("fragment1", false), close_frame(1000), more("fragment2", true)},
       {},
       {close_frame(1000)}},
      {"7.1.6", {text(large), close_frame(1000), ping()}, {text_message(large)}, {close_frame(1000)}},
      {"7.3.1", {empty_close}, {}, {empty_close}},
      failing("7.3.2", {{Opcode::kClose, "a"}}, 1002),
      {"7.3.3", {close_frame(1000)}, {}, {close_frame(1000)}},
      {"7.3.4", {close_frame(1000, "Hello World!")}, {}, {close_frame(1000)}},
      {"7.3.5", {close_frame(1000, std::string(123, '*'))}, {}, {close_frame(1000)}},
      failing("7.3.6", {close_frame(1000, std::string(124, '*'))}, 1002),
      failing("7.5.1", {close_frame(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65")},
              1007),
  };
}

std::vector<AutobahnCase> close_code_cases() {
  std::vector<AutobahnCase> cases;
  int number = 0;
  for (const std::uint16_t code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999}) {
    cases.push_back({"7.7." + std::to_string(++number), {close_frame(code)}, {}, {close_frame(code)}});
  }
  number = 0;
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999}) {
    cases.push_back(failing("7.9." + std::to_string(++number), {close_frame(code)}, 1002));
  }
  cases.push_back(failing("7.13.1", {close_frame(5000)}, 1002));
  cases.push_back(failing("7.13.2", {close_frame(65535)}, 1002));
  return cases;
}

WGR_AUTOBAHN_GROUP(AutobahnFragmentationTest, fragmentation_cases());
WGR_AUTOBAHN_GROUP(AutobahnClosingTest, closing_cases());
WGR_AUTOBAHN_GROUP(AutobahnCloseCodeTest, close_code_cases());

}  // namespace
}  // namespace wgr::ws
