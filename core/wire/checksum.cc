#include "core/wire/checksum.h"

#include <cstring>

namespace wgr::wire {
namespace {

template <typename Word>
Word load_native(const std::uint8_t* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

}  // namespace

PartialSum PartialSum::of(Bytes bytes) noexcept {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  // 32-bit words into 64-bit sums: no carry can be lost below 16 GiB, and the compiler is free to add
  // several lanes at once.
  std::uint64_t sum = 0;
  for (; left >= 64; at += 64, left -= 64) {
    for (int i = 0; i < 16; ++i) sum += load_native<std::uint32_t>(at + 4 * i);
  }
  for (; left >= 4; at += 4, left -= 4) sum += load_native<std::uint32_t>(at);
  if (left > 0) {
    std::uint8_t last[4] = {};
    std::memcpy(last, at, left);
    sum += load_native<std::uint32_t>(last);
  }
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return PartialSum{static_cast<std::uint32_t>(sum)};
}

}  // namespace wgr::wire
