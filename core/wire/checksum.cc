#include "core/wire/checksum.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <bit>
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
[[gnu::noinline]] std::uint64_t sum_steps_anywhere(const std::uint8_t* at, std::size_t steps) noexcept {
  std::uint64_t sum = 0;
  for (; steps > 0; at += kStep, --steps) {
    for (int i = 0; i < 16; ++i) sum += load_native<std::uint32_t>(at + 4 * i);
  }
  return sum;
}

#ifdef __x86_64__
// Sixteen words as signed numbers, w - 32768 each, added in pairs into eight lanes.
[[gnu::target("avx2")]] inline __m256i pair_sums(const __m256i_u* words) noexcept {
  const __m256i flip = _mm256_set1_epi16(std::numeric_limits<std::int16_t>::min());
  return _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(words), flip), _mm256_set1_epi16(1));
}

// REQUIRES: the sum of the lanes fits one.
[[gnu::target("avx2")]] inline std::int32_t lane_sum(__m256i lanes) noexcept {
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sums);
}

// Apart from the cipher's this is the only pass over the bytes of a packet: two steps a round, written out
// because compilers unroll such a loop or not, as they like. What pair_sums() took away is given back at the
// end.
[[gnu::target("avx2")]] std::uint64_t sum_steps_avx2(const std::uint8_t* at, std::size_t steps) noexcept {
  constexpr std::size_t kStepsAtOnce = 1024;  // 2^15 words of at most 2^15 each fit a 32-bit lane
  std::uint64_t sum = 0;
  while (steps > 0) {
    const std::size_t now = std::min(steps, kStepsAtOnce);
    __m256i a = _mm256_setzero_si256();
    __m256i b = _mm256_setzero_si256();
    const auto* words = reinterpret_cast<const __m256i_u*>(at);
    for (std::size_t rounds = now / 2; rounds > 0; --rounds, words += 4) {
      a = _mm256_add_epi32(a, pair_sums(words));
      b = _mm256_add_epi32(b, pair_sums(words + 1));
      a = _mm256_add_epi32(a, pair_sums(words + 2));
      b = _mm256_add_epi32(b, pair_sums(words + 3));
    }
    if (now % 2 != 0) {
      a = _mm256_add_epi32(a, pair_sums(words));
      b = _mm256_add_epi32(b, pair_sums(words + 1));
    }
    sum += static_cast<std::uint64_t>(std::int64_t{lane_sum(_mm256_add_epi32(a, b))} +
                                      static_cast<std::int64_t>(now * (kStep / 2)) * 32768);
    at += now * kStep;
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
  if (left >= 2) {
    sum += load_native<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  if (left > 0) sum += std::endian::native == std::endian::big ? std::uint64_t{*at} << 8 : *at;
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return PartialSum{static_cast<std::uint32_t>(sum)};
}

}  // namespace wgr::wire
