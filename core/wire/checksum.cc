#include "core/wire/checksum.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace wgr::wire {
namespace {

template <typename Word>
Word load_native(const std::uint8_t* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

constexpr std::size_t kStep = 64;

// 32-bit words into 64-bit sums: no carry can be lost below 16 GiB, and the compiler is free to add several
// lanes at once.
std::uint64_t sum_steps_anywhere(const std::uint8_t* at, std::size_t steps) noexcept {
  std::uint64_t sum = 0;
  for (; steps > 0; at += kStep, --steps) {
    for (int i = 0; i < 16; ++i) sum += load_native<std::uint32_t>(at + 4 * i);
  }
  return sum;
}

#ifdef __x86_64__
// Apart from the cipher's this is the only pass over the bytes of a packet. Sixteen words an instruction:
// as signed numbers, w - 32768 each, added in pairs; what was taken away is given back at the end.
[[gnu::target("avx2")]] std::uint64_t sum_steps_avx2(const std::uint8_t* at, std::size_t steps) noexcept {
  constexpr std::size_t kStepsAtOnce = 8192;  // a 32-bit lane holds 2^15 pairs of words; these are 2^14
  const __m256i flip = _mm256_set1_epi16(std::numeric_limits<std::int16_t>::min());
  const __m256i ones = _mm256_set1_epi16(1);
  std::uint64_t sum = 0;
  while (steps > 0) {
    const std::size_t now = std::min(steps, kStepsAtOnce);
    __m256i low = _mm256_setzero_si256();
    __m256i high = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (const std::uint8_t* const end = at + now * kStep; at != end; at += kStep) {
      const auto* const words = reinterpret_cast<const __m256i_u*>(at);
      low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(words), flip), ones));
      high = _mm256_add_epi32(high,
                              _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(words + 1), flip), ones));
    }
    alignas(__m256i) std::array<std::int32_t, 8> lanes;
    _mm256_store_si256(reinterpret_cast<__m256i*>(lanes.data()), _mm256_add_epi32(low, high));
    std::int64_t signed_sum = static_cast<std::int64_t>(now * (kStep / 2)) * 32768;
    for (const std::int32_t lane : lanes) signed_sum += lane;
    sum += static_cast<std::uint64_t>(signed_sum);
    steps -= now;
  }
  return sum;
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;

std::uint64_t sum_steps(const std::uint8_t* at, std::size_t steps) noexcept {
  return kHasAvx2 ? sum_steps_avx2(at, steps) : sum_steps_anywhere(at, steps);
}
#else
std::uint64_t sum_steps(const std::uint8_t* at, std::size_t steps) noexcept {
  return sum_steps_anywhere(at, steps);
}
#endif

}  // namespace

PartialSum PartialSum::of(Bytes bytes) noexcept {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t sum = 0;
  if (left >= kStep) {
    const std::size_t steps = left / kStep;
    sum = sum_steps(at, steps);
    at += steps * kStep;
    left -= steps * kStep;
  }
  for (; left >= 8; at += 8, left -= 8) {
    const auto words = load_native<std::uint64_t>(at);
    sum += (words & 0xffffffff) + (words >> 32);
  }
  if (left >= 4) {
    sum += load_native<std::uint32_t>(at);
    at += 4;
    left -= 4;
  }
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
