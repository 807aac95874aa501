#include "core/wire/checksum.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <array>
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

// 32-bit words into a 64-bit sum: no carry can be lost below 16 GiB.
std::uint64_t sum_words(const std::uint8_t* at, std::size_t size) noexcept {
  std::uint64_t sum = 0;
  for (; size >= 8; at += 8, size -= 8) {
    const auto words = load_native<std::uint64_t>(at);
    sum += (words & 0xffffffff) + (words >> 32);
  }
  if (size >= 4) {
    sum += load_native<std::uint32_t>(at);
    at += 4;
    size -= 4;
  }
  if (size >= 2) {
    sum += load_native<std::uint16_t>(at);
    at += 2;
    size -= 2;
  }
  if (size > 0) sum += std::endian::native == std::endian::big ? std::uint64_t{*at} << 8 : *at;
  return sum;
}

#ifdef __x86_64__
constexpr std::size_t kLane = 32;  // bytes of one AVX2 register

// Sixteen words as signed numbers, w - 32768 each, added in pairs to eight lanes.
[[gnu::target("avx2")]] inline void add_words(__m256i& lanes, __m256i words) noexcept {
  const __m256i flip = _mm256_set1_epi16(std::numeric_limits<std::int16_t>::min());
  const __m256i pairs = _mm256_madd_epi16(_mm256_xor_si256(words, flip), _mm256_set1_epi16(1));
  lanes = _mm256_add_epi32(lanes, pairs);
}

[[gnu::target("avx2")]] inline void add_two(__m256i& a, __m256i& b, const __m256i_u* words) noexcept {
  add_words(a, _mm256_loadu_si256(words));
  add_words(b, _mm256_loadu_si256(words + 1));
}

// REQUIRES: the sum of the lanes fits one.
[[gnu::target("avx2")]] inline std::int32_t lane_sum(__m256i lanes) noexcept {
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sums);
}

// The last 1 to 31 bytes in front of `end`, an even distance from where the summing began, behind zeros.
// REQUIRES: 32 readable bytes in front of `end`.
[[gnu::target("avx2")]] inline __m256i last_bytes(const std::uint8_t* end, std::size_t size) noexcept {
  alignas(kLane) static constexpr auto kMasks = [] {
    std::array<std::uint8_t, 2 * kLane> masks{};
    for (std::size_t i = kLane; i < masks.size(); ++i) masks[i] = 0xff;
    return masks;
  }();
  const __m256i mask = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(kMasks.data() + size));
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(end - kLane));
  return _mm256_and_si256(bytes, mask);
}

// Apart from the cipher's this is the only pass over the bytes of a packet: eight registers a round, written
// out because compilers unroll such a loop or not, as they like. What add_words() took away is given back at
// the end. REQUIRES: kLane <= size <= kMostAtOnce, and even.
constexpr std::size_t kMostAtOnce = 65536;  // 2^15 words of at most 2^15 each fit a 32-bit lane
[[gnu::target("avx2")]] std::uint64_t sum_avx2(const std::uint8_t* at, std::size_t size) noexcept {
  __m256i a = _mm256_setzero_si256();
  __m256i b = _mm256_setzero_si256();
  const auto* words = reinterpret_cast<const __m256i_u*>(at);
  for (std::size_t rounds = size / (8 * kLane); rounds > 0; --rounds, words += 8) {
    add_two(a, b, words);
    add_two(a, b, words + 2);
    add_two(a, b, words + 4);
    add_two(a, b, words + 6);
  }
  if ((size & 4 * kLane) != 0) {
    add_two(a, b, words);
    add_two(a, b, words + 2);
    words += 4;
  }
  if ((size & 2 * kLane) != 0) {
    add_two(a, b, words);
    words += 2;
  }
  if ((size & kLane) != 0) add_words(a, _mm256_loadu_si256(words));
  std::size_t summed = size / kLane;
  if (const std::size_t rest = size % kLane; rest != 0) {
    add_words(b, last_bytes(at + size, rest));
    ++summed;
  }
  return static_cast<std::uint64_t>(std::int64_t{lane_sum(_mm256_add_epi32(a, b))} +
                                    static_cast<std::int64_t>(summed * (kLane / 2)) * 32768);
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

PartialSum PartialSum::of(Bytes bytes) noexcept {
  std::uint64_t sum = 0;
#ifdef __x86_64__
  constexpr std::size_t kWorthIt = 128;
  if (bytes.size() >= kWorthIt && bytes.size() < kMostAtOnce && kHasAvx2) {
    const std::size_t even = bytes.size() & ~std::size_t{1};
    sum = sum_avx2(bytes.data(), even);
    if (even != bytes.size()) sum += bytes.data()[even];
  } else {
    sum = sum_words(bytes.data(), bytes.size());
  }
#else
  sum = sum_words(bytes.data(), bytes.size());
#endif
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return PartialSum{static_cast<std::uint32_t>(sum)};
}

}  // namespace wgr::wire
