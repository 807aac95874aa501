#include "wireguard/blake2s.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "core/secret.h"

namespace wgr::wireguard {
namespace {

// RFC 7693 2.6: the initialization vector of SHA-256.
constexpr std::array<std::uint32_t, 8> kIv = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                              0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// RFC 7693 2.7: the message word schedule.
constexpr std::uint8_t kSigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                         {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                         {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                         {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                         {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                         {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                         {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                         {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                         {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                         {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

// RFC 7693 3.1.
inline void mix(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c, std::uint32_t& d, std::uint32_t x,
                std::uint32_t y) noexcept {
  a += b + x;
  d = std::rotr(d ^ a, 16);
  c += d;
  b = std::rotr(b ^ c, 12);
  a += b + y;
  d = std::rotr(d ^ a, 8);
  c += d;
  b = std::rotr(b ^ c, 7);
}

}  // namespace

Blake2s::Blake2s(std::size_t output_size, Bytes key) noexcept : state_(kIv), output_size_(output_size) {
  assert(output_size > 0 && output_size <= kMaxOutput && key.size() <= 32);
  state_[0] ^=
      0x01010000u ^ static_cast<std::uint32_t>(key.size()) << 8 ^ static_cast<std::uint32_t>(output_size);
  if (!key.empty()) {  // the key is a block of its own
    std::copy(key.begin(), key.end(), buffer_.begin());
    buffered_ = kBlockSize;
  }
}

Blake2s::~Blake2s() {
  erase_memory(state_.data(), sizeof state_);
  erase_memory(buffer_.data(), sizeof buffer_);
}

Blake2s& Blake2s::update(Bytes input) noexcept {
  // The last block is compressed in finish(), with its flag: a full buffer waits until more comes.
  while (!input.empty()) {
    if (buffered_ == kBlockSize) {
      total_ += kBlockSize;
      compress(buffer_.data(), /*is_last=*/false);
      buffered_ = 0;
    }
    const std::size_t taken = std::min(kBlockSize - buffered_, input.size());
    std::copy_n(input.begin(), taken, buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_));
    buffered_ += taken;
    input = input.subspan(taken);
  }
  return *this;
}

void Blake2s::finish(std::uint8_t* out) noexcept {
  total_ += buffered_;
  std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(buffered_), buffer_.end(), std::uint8_t{0});
  compress(buffer_.data(), /*is_last=*/true);
  std::uint8_t bytes[kMaxOutput];
  for (std::size_t i = 0; i < state_.size(); ++i) store_le(bytes + 4 * i, state_[i]);
  std::copy_n(bytes, output_size_, out);
  erase_memory(bytes, sizeof bytes);
}

// RFC 7693 3.2.
void Blake2s::compress(const std::uint8_t* block, bool is_last) noexcept {
  std::uint32_t m[16];
  for (std::size_t i = 0; i < 16; ++i) m[i] = load_le<std::uint32_t>(block + 4 * i);
  std::uint32_t v[16];
  std::copy(state_.begin(), state_.end(), v);
  std::copy(kIv.begin(), kIv.end(), v + 8);
  v[12] ^= static_cast<std::uint32_t>(total_);
  v[13] ^= static_cast<std::uint32_t>(total_ >> 32);
  if (is_last) v[14] = ~v[14];

  for (const auto& s : kSigma) {
    mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
    mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
    mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
    mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
    mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
    mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
    mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
    mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
  }
  for (std::size_t i = 0; i < 8; ++i) state_[i] ^= v[i] ^ v[i + 8];
}

Hash hash(Bytes a, Bytes b) noexcept {
  Hash out;
  Blake2s{}.update(a).update(b).finish(out.data());
  return out;
}

Mac mac(Bytes key, Bytes input) noexcept {
  Mac out;
  Blake2s{out.size(), key}.update(input).finish(out.data());
  return out;
}

}  // namespace wgr::wireguard
