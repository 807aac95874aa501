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

// 32-bit words into 64-bit sums: no carry can be lost below 16 GiB. Eight lanes at once, in whatever vectors
// the caller's target has.
constexpr std::size_t kStep = 64;

[[gnu::always_inline]] inline std::uint64_t sum_steps(const std::uint8_t* at, std::size_t steps) noexcept {
  using Lanes [[gnu::vector_size(32)]] = std::uint64_t;
  Lanes low{};
  Lanes high{};
  for (; steps > 0; at += kStep, --steps) {
    Lanes a;
    Lanes b;
    std::memcpy(&a, at, sizeof a);
    std::memcpy(&b, at + sizeof a, sizeof b);
    low += (a & 0xffffffff) + (b & 0xffffffff);
    high += (a >> 32) + (b >> 32);
  }
  const Lanes sum = low + high;
  return sum[0] + sum[1] + sum[2] + sum[3];
}

// Apart from the cipher's this is the only pass over the bytes of a packet, so it takes the widest vectors.
#ifdef __x86_64__
[[gnu::target("avx2")]] std::uint64_t sum_steps_avx2(const std::uint8_t* at, std::size_t steps) noexcept {
  return sum_steps(at, steps);
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

std::uint64_t sum_whole_steps(const std::uint8_t* at, std::size_t steps) noexcept {
  return kHasAvx2 ? sum_steps_avx2(at, steps) : sum_steps(at, steps);
}
#else
std::uint64_t sum_whole_steps(const std::uint8_t* at, std::size_t steps) noexcept {
  return sum_steps(at, steps);
}
#endif

}  // namespace

PartialSum PartialSum::of(Bytes bytes) noexcept {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  if (left >= kStep) {
    const std::size_t steps = left / kStep;
    sum = sum_whole_steps(at, steps);
    at += steps * kStep;
    left -= steps * kStep;
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
