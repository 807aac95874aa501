// UTF-8 checked piece by piece (RFC 3629): no surrogates, nothing overlong, nothing above U+10FFFF.
// A text is refused at the first byte that no valid text could have there.
//
// Thread: values.
#pragma once

#include <cstdint>

#include "core/bytes.h"

namespace wgr::ws {

class Utf8Checker {
 public:
  // False at the first bad byte; what comes after does not matter.
  [[nodiscard]] bool add(Bytes text) noexcept;
  // No character is cut at the end.
  bool is_complete() const noexcept { return needed_ == 0; }

 private:
  bool begin(std::uint8_t first) noexcept;

  std::uint8_t needed_ = 0;  // continuation bytes of the current character still to come
  std::uint8_t min_ = 0x80;  // of the next one
  std::uint8_t max_ = 0xbf;
};

[[nodiscard]] inline bool is_utf8(Bytes text) noexcept {
  Utf8Checker checker;
  return checker.add(text) && checker.is_complete();
}

}  // namespace wgr::ws
