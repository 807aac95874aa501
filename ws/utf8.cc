#include "ws/utf8.h"

namespace wgr::ws {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;

}  // namespace

bool Utf8Checker::add(Bytes text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    if (needed_ == 0) {
      while (at + 8 <= text.size() && (load_le<std::uint64_t>(&text[at]) & kHighBits) == 0) at += 8;
      if (at == text.size()) return true;
      if (!begin(text[at])) return false;
    } else {
      if (text[at] < min_ || text[at] > max_) return false;
      --needed_;
      min_ = 0x80;
      max_ = 0xbf;
    }
    ++at;
  }
  return true;
}

// RFC 3629 4: what may come first, how many follow, and which of them may come second.
bool Utf8Checker::begin(std::uint8_t first) noexcept {
  if (first < 0x80) return true;
  if (first < 0xc2 || first > 0xf4) return false;
  if (first < 0xe0) {
    needed_ = 1;
  } else if (first < 0xf0) {
    needed_ = 2;
    if (first == 0xe0) min_ = 0xa0;  // overlong
    if (first == 0xed) max_ = 0x9f;  // surrogates
  } else {
    needed_ = 3;
    if (first == 0xf0) min_ = 0x90;  // overlong
    if (first == 0xf4) max_ = 0x8f;  // above U+10FFFF
  }
  return true;
}

}  // namespace wgr::ws
