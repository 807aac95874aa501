// Autobahn group 6: UTF-8, whole and in fragments, and how soon a bad byte is noticed.
#include "tests/ws/autobahn.h"

namespace wgr::ws {
namespace {

constexpr char kGreek[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";  // five letters, eleven bytes
constexpr char kMixed[] = "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
const std::string kBroken = std::string{kGreek} + "\xed\xa0\x80" + "edited";  // a surrogate in the middle

// The text in frames of `size` bytes.
std::vector<RawFrame> in_fragments(const std::string& whole, std::size_t size) {
  std::vector<RawFrame> frames;
  for (std::size_t at = 0; at < whole.size(); at += size) {
    RawFrame frame = more(whole.substr(at, size), at + size >= whole.size());
    if (at == 0) frame.opcode = Opcode::kText;
    frames.push_back(frame);
  }
  return frames;
}

std::vector<AutobahnCase> fragment_cases() {
  const std::string mixed = kMixed;
  return {
      clean("6.1.1", {text("")}, {text_message("")}),
      clean("6.1.2", {text("", false), more("", false), more("", true)}, {text_message("")}),
      clean("6.1.3", {text("", false), more("middle frame payload", false), more("", true)},
            {text_message("middle frame payload")}),
      clean("6.2.1", {text(mixed)}, {text_message(mixed)}),
      clean("6.2.2", {text(mixed.substr(0, 10), false), more(mixed.substr(10), true)}, {text_message(mixed)}),
      clean("6.2.3", in_fragments(mixed, 1), {text_message(mixed)}),
      clean("6.2.4", in_fragments(kGreek, 1), {text_message(kGreek)}),
      failing("6.3.1", {text(kBroken)}, 1007),
      failing("6.3.2", in_fragments(kBroken, 1), 1007),
  };
}

struct Sequence {
  bool is_valid;
  std::string bytes;
};

// Numbered as the suite does: group 6.5 is the first.
std::vector<std::vector<Sequence>> sequences() {
  using namespace std::string_literals;
  std::vector<std::vector<Sequence>> groups;
  groups.push_back({{true, "hello\x24world"},
                    {true, "hello\xC2\xA2world"},
                    {true, "hello\xE2\x82\xACworld"},
                    {true, "hello\xF0\xA4\xAD\xA2world"},
                    {true, kGreek}});
  std::vector<Sequence> prefixes;
  for (std::size_t size = 1; size <= sizeof kGreek - 1; ++size) {
    const bool is_whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    prefixes.push_back({is_whole, std::string{kGreek}.substr(0, size)});
  }
  groups.push_back(prefixes);
  groups.push_back({{true, "\0"s}, {true, "\xc2\x80"}, {true, "\xe0\xa0\x80"}, {true, "\xf0\x90\x80\x80"}});
  groups.push_back({{false, "\xf8\x88\x80\x80\x80"}, {false, "\xfc\x84\x80\x80\x80\x80"}});
  groups.push_back({{true, "\x7f"}, {true, "\xdf\xbf"}, {true, "\xef\xbf\xbf"}, {true, "\xf4\x8f\xbf\xbf"}});
  groups.push_back(
      {{false, "\xf7\xbf\xbf\xbf"}, {false, "\xfb\xbf\xbf\xbf\xbf"}, {false, "\xfd\xbf\xbf\xbf\xbf\xbf"}});
  groups.push_back({{true, "\xed\x9f\xbf"},
                    {true, "\xee\x80\x80"},
                    {true, "\xef\xbf\xbd"},
                    {true, "\xf4\x8f\xbf\xbf"},
                    {false, "\xf4\x90\x80\x80"}});
  std::string continuations;
  for (int byte = 0x80; byte < 0xbf; ++byte) continuations += char(byte);
  groups.push_back({{false, "\x80"},
                    {false, "\xbf"},
                    {false, "\x80\xbf"},
                    {false, "\x80\xbf\x80"},
                    {false, "\x80\xbf\x80\xbf"},
                    {false, "\x80\xbf\x80\xbf\x80"},
                    {false, "\x80\xbf\x80\xbf\x80\xbf"},
                    {false, continuations}});
  std::vector<Sequence> starts;
  for (const auto& [from, to] :
       {std::pair{0xc0, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf7}, {0xf8, 0xfb}, {0xfc, 0xfd}}) {
    std::string lonely;
    for (int byte = from; byte < to; ++byte) lonely.append(1, char(byte)).append(1, ' ');
    starts.push_back({false, lonely});
  }
  groups.push_back(starts);
  const std::vector<std::string> unfinished{
      "\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80",
      "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"};
  std::vector<Sequence> each;
  std::string joined;
  for (const std::string& bytes : unfinished) {
    each.push_back({false, bytes});
    joined += bytes;
  }
  groups.push_back(each);
  groups.push_back({{false, joined}});
  groups.push_back({{false, "\xfe"}, {false, "\xff"}, {false, "\xfe\xfe\xff\xff"}});
  groups.push_back({{false, "\xc0\xaf"},
                    {false, "\xe0\x80\xaf"},
                    {false, "\xf0\x80\x80\xaf"},
                    {false, "\xf8\x80\x80\x80\xaf"},
                    {false, "\xfc\x80\x80\x80\x80\xaf"}});
  groups.push_back({{false, "\xc1\xbf"},
                    {false, "\xe0\x9f\xbf"},
                    {false, "\xf0\x8f\xbf\xbf"},
                    {false, "\xf8\x87\xbf\xbf\xbf"},
                    {false, "\xfc\x83\xbf\xbf\xbf\xbf"}});
  groups.push_back({{false, "\xc0\x80"},
                    {false, "\xe0\x80\x80"},
                    {false, "\xf0\x80\x80\x80"},
                    {false, "\xf8\x80\x80\x80\x80"},
                    {false, "\xfc\x80\x80\x80\x80\x80"}});
  const std::vector<std::string> surrogates{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf",
                                            "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"};
  std::vector<Sequence> single;
  for (const std::string& bytes : surrogates) single.push_back({false, bytes});
  groups.push_back(single);
  std::vector<Sequence> paired;
  for (std::size_t high = 0; high < 4; ++high) {
    for (const char* low : {"\xed\xb0\x80", "\xed\xbf\xbf"})
      paired.push_back({false, surrogates[high] + low});
  }
  groups.push_back(paired);
  std::vector<Sequence> not_characters{{true, "\xef\xbf\xbe"}, {true, "\xef\xbf\xbf"}};
  for (const char first : {'\xf0', '\xf1', '\xf2', '\xf3', '\xf4'}) {
    for (const char second : {'\x8f', '\x9f', '\xaf', '\xbf'}) {
      const bool is_overlong = first == '\xf0' && second == '\x8f';
      const bool is_too_high = first == '\xf4' && second != '\x8f';
      if (is_overlong || is_too_high) continue;
      for (const char last : {'\xbe', '\xbf'}) {
        not_characters.push_back({true, std::string{first, second, '\xbf', last}});
      }
    }
  }
  groups.push_back(not_characters);
  std::vector<Sequence> specials;
  for (int last = 0xb9; last <= 0xbf; ++last)
    specials.push_back({true, std::string{"\xef\xbf"} + char(last)});
  groups.push_back(specials);
  return groups;
}

std::vector<AutobahnCase> sequence_cases() {
  std::vector<AutobahnCase> cases;
  int group = 5;
  for (const std::vector<Sequence>& members : sequences()) {
    int number = 0;
    for (const auto& [is_valid, bytes] : members) {
      const std::string name = "6." + std::to_string(group) + "." + std::to_string(++number);
      cases.push_back(is_valid ? clean(name, {text(bytes)}, {text_message(bytes)})
                               : failing(name, {text(bytes)}, 1007));
    }
    ++group;
  }
  return cases;
}

WGR_AUTOBAHN_GROUP(AutobahnUtf8FragmentTest, fragment_cases());
WGR_AUTOBAHN_GROUP(AutobahnUtf8SequenceTest, sequence_cases());

// 6.4: the second of three parts makes the text impossible, 6.4.1 and 6.4.3 with a number that is no
// character, 6.4.2 and 6.4.4 with the byte before it.
class AutobahnUtf8FailFastTest : public testing::Test {
 protected:
  const std::string first_ = kGreek;
  const std::string second_ = "\xf4\x90\x80\x80";
  const std::string third_ = "edited";
  TestEndpoint server_{Role::kServer, autobahn_settings()};
};

TEST_F(AutobahnUtf8FailFastTest, Case_6_4_1_FailsAtTheSecondFrame) {
  server_.receive(text(first_, false).encoded_by(Role::kClient));
  EXPECT_EQ(server_.socket().state(), WebSocket::State::kOpen);
  server_.receive(more(second_, false).encoded_by(Role::kClient));
  EXPECT_EQ(server_.socket().ended_with(), close_code::kInvalidText);
}

TEST_F(AutobahnUtf8FailFastTest, Case_6_4_2_FailsAtTheByteThatCannotFollow) {
  server_.receive(text(first_ + second_.substr(0, 1), false).encoded_by(Role::kClient));
  EXPECT_EQ(server_.socket().state(), WebSocket::State::kOpen);
  server_.receive(more(second_.substr(1, 1), false).encoded_by(Role::kClient));
  EXPECT_EQ(server_.socket().ended_with(), close_code::kInvalidText);
}

TEST_F(AutobahnUtf8FailFastTest, Case_6_4_3_FailsWithinAFrame) {
  const std::string frame = text(first_ + second_ + third_).encoded_by(Role::kClient);
  const std::size_t header = frame.size() - first_.size() - second_.size() - third_.size();
  server_.receive(frame.substr(0, header + first_.size()));
  EXPECT_EQ(server_.socket().state(), WebSocket::State::kOpen);
  server_.receive(frame.substr(header + first_.size(), second_.size()));
  EXPECT_EQ(server_.socket().ended_with(), close_code::kInvalidText);
}

TEST_F(AutobahnUtf8FailFastTest, Case_6_4_4_FailsWithinAFrameAtTheByteThatCannotFollow) {
  const std::string frame = text(first_ + second_ + third_).encoded_by(Role::kClient);
  const std::size_t header = frame.size() - first_.size() - second_.size() - third_.size();
  server_.receive(frame.substr(0, header + first_.size() + 1));
  EXPECT_EQ(server_.socket().state(), WebSocket::State::kOpen);
  server_.receive(frame.substr(header + first_.size() + 1, 1));
  EXPECT_EQ(server_.socket().ended_with(), close_code::kInvalidText);
}

}  // namespace
}  // namespace wgr::ws
