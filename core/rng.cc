#include "core/rng.h"

#include <sys/random.h>

#include <bit>
#include <cstdlib>

namespace wgr {
namespace {

// SplitMix64 spreads a small seed over the whole state.
std::uint64_t split_mix(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Rng::Rng(std::uint64_t seed) noexcept {
  for (std::uint64_t& word : state_) word = split_mix(seed);
}

Rng Rng::from_kernel() {
  Rng rng{0};
  if (getrandom(rng.state_, sizeof rng.state_, 0) != static_cast<ssize_t>(sizeof rng.state_)) std::abort();
  return rng;
}

std::uint64_t Rng::next() noexcept {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Rng::below(std::uint64_t bound) noexcept {
  // The bias of at most bound/2^64 does not matter for spreading timers.
  return next() % bound;
}

}  // namespace wgr
