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

// As if a zero followed.
constexpr std::uint32_t last_odd_byte(std::uint8_t byte) noexcept {
  return std::endian::native == std::endian::big ? std::uint32_t{byte} << 8 : byte;
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
  if (size > 0) sum += last_odd_byte(*at);
  return sum;
}

#ifdef __x86_64__
constexpr std::size_t kLane = 32;  // bytes of one AVX2 register

// What a pass over many bytes keeps in registers.
struct Lanes {
  __m256i flip;  // turns a word into the signed number word - 32768, since there is no unsigned madd
  __m256i ones;
  __m256i sum;  // eight sums of signed words
};

[[gnu::target("avx2")]] inline void add_words(Lanes& lanes, __m256i words) noexcept {
  const __m256i pairs = _mm256_madd_epi16(_mm256_xor_si256(words, lanes.flip), lanes.ones);
  lanes.sum = _mm256_add_epi32(lanes.sum, pairs);
}

// `Count` registers full, a power of two; what follows them is returned. Written out because compilers
// unroll a loop or not, as they like.
template <int Count>
[[gnu::target("avx2")]] inline const __m256i_u* add_next(Lanes& lanes, const __m256i_u* words) noexcept {
  if constexpr (Count == 1) {
    add_words(lanes, _mm256_loadu_si256(words));
    return words + 1;
  } else {
    return add_next<Count / 2>(lanes, add_next<Count / 2>(lanes, words));
  }
}

[[gnu::target("avx2")]] inline std::uint32_t lane_sum(__m256i lanes) noexcept {
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sums));
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

// Apart from the cipher's this is the only pass over the bytes of a packet. What the flips took away is
// given back at the end, modulo 2^32, in which the sum itself fits.
// REQUIRES: kLane <= size < kTooMuch, and even.
constexpr std::size_t kTooMuch = 65536;
[[gnu::target("avx2")]] std::uint32_t sum_avx2(const std::uint8_t* at, std::size_t size) noexcept {
  Lanes lanes{_mm256_set1_epi16(std::numeric_limits<std::int16_t>::min()), _mm256_set1_epi16(1),
              _mm256_setzero_si256()};
  asm("" : "+x"(lanes.flip), "+x"(lanes.ones));  // no constants that GCC would make anew in each branch
  const auto* words = reinterpret_cast<const __m256i_u*>(at);
  for (std::size_t rounds = size / (8 * kLane); rounds > 0; --rounds) words = add_next<8>(lanes, words);
  if ((size & 4 * kLane) != 0) words = add_next<4>(lanes, words);
  if ((size & 2 * kLane) != 0) words = add_next<2>(lanes, words);
  if ((size & kLane) != 0) add_next<1>(lanes, words);
  std::size_t summed = size / kLane;
  if (const std::size_t rest = size % kLane; rest != 0) {
    add_words(lanes, last_bytes(at + size, rest));
    ++summed;
  }
  return lane_sum(lanes.sum) + static_cast<std::uint32_t>(summed * (kLane / 2) * 32768);
}
const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

PartialSum PartialSum::of(Bytes bytes) noexcept {
#ifdef __x86_64__
  constexpr std::size_t kWorthIt = 128;
  if (bytes.size() >= kWorthIt && bytes.size() < kTooMuch && kHasAvx2) {
    const std::uint64_t sum = sum_avx2(bytes.data(), bytes.size() & ~std::size_t{1});
    return PartialSum{bytes.size() % 2 == 0 ? sum : sum + last_odd_byte(bytes.back())};
  }
#endif
  return PartialSum{sum_words(bytes.data(), bytes.size())};
}

}  // namespace wgr::wire
