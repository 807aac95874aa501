// Randomness as a parameter. Production seeds from the kernel; a test gives a seed and prints it.
// Nothing an attacker must not guess comes from here: keys, indices, ports and sequence numbers come
// from core/secret.h (random_bytes) and core/keyed_hash.h.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>

namespace wgr {

// xoshiro256**, for jitter and placement.
class Rng {
 public:
  using result_type = std::uint64_t;

  explicit Rng(std::uint64_t seed) noexcept;
  static Rng from_kernel();  // seeded with getrandom

  std::uint64_t operator()() noexcept { return next(); }
  std::uint64_t next() noexcept;
  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;

  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

 private:
  std::uint64_t state_[4];
};

}  // namespace wgr
