// The sliding window that lets each counter through once (RFC 6479): 8192 bits in a ring of words, of
// which one word is always being cleared, so the last 8128 counters below the greatest are told apart.
//
// Thread: a value; confined to its owner.
#pragma once

#include <array>
#include <cstdint>

namespace wgr::wireguard {

class ReplayWindow {
 public:
  static constexpr std::uint64_t kBits = 8192;
  static constexpr std::uint64_t kUsable = kBits - 64;

  // Whether the counter is new; from then on it is not. REQUIRES: the message authenticated.
  bool accept(std::uint64_t counter) noexcept {
    const std::uint64_t word = counter / 64;
    if (counter > greatest_) {
      clear_between(greatest_ / 64, word);
      greatest_ = counter;
    } else if (greatest_ - counter > kUsable) {
      return false;
    }
    std::uint64_t& bits = ring_[word % kWords];
    const std::uint64_t bit = std::uint64_t{1} << (counter % 64);
    const bool is_new = (bits & bit) == 0;
    bits |= bit;
    return is_new;
  }

 private:
  static constexpr std::uint64_t kWords = kBits / 64;

  // Clears the words after `old_word` up to `new_word`, at most the whole ring.
  void clear_between(std::uint64_t old_word, std::uint64_t new_word) noexcept {
    const std::uint64_t count = new_word - old_word < kWords ? new_word - old_word : kWords;
    for (std::uint64_t i = 1; i <= count; ++i) ring_[(old_word + i) % kWords] = 0;
  }

  std::uint64_t greatest_ = 0;
  std::array<std::uint64_t, kWords> ring_{};
};

}  // namespace wgr::wireguard
