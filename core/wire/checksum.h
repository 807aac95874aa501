// The Internet checksum (RFC 1071), its pseudo headers and its incremental update (RFC 1624).
//
// A PartialSum is a one's complement sum that is not inverted yet. Sums of parts can be kept and
// added: the addresses of a flow and the payload of a segment are summed once, however often the
// header in front of them changes.
//
//   checksum of a segment = (addresses + protocol and length + header + payload).checksum()
//
// Thread: values.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/address.h"
#include "core/bytes.h"
#include "core/wire/ip_protocol.h"

namespace wgr::wire {

class PartialSum {
 public:
  constexpr PartialSum() noexcept = default;

  // Of bytes that begin at an even offset of what is checked; an odd last byte counts as if a zero
  // followed.
  static PartialSum of(Bytes bytes) noexcept;
  // The same for a few 32-bit words, whose number the caller knows: headers and addresses.
  template <std::size_t Words>
  static PartialSum of_words(const std::uint8_t* at) noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < Words; ++i) {
      std::uint32_t word;
      std::memcpy(&word, at + 4 * i, sizeof word);
      sum += word;
    }
    return PartialSum{sum};
  }
  // Of one 16-bit word, given in host order.
  static constexpr PartialSum of_word(std::uint16_t word) noexcept { return PartialSum{to_native(word)}; }

  // The same bytes at an odd offset: every byte changes its place within its word (RFC 1071 2.B).
  constexpr PartialSum at_odd_offset() const noexcept {
    return PartialSum{detail::reverse_bytes(fold(value_))};
  }

  constexpr PartialSum& operator+=(PartialSum other) noexcept {
    value_ += other.value_;
    return *this;
  }
  friend constexpr PartialSum operator+(PartialSum a, PartialSum b) noexcept { return a += b; }

  // What belongs into the checksum field, as a host-order value for store_be().
  constexpr std::uint16_t checksum() const noexcept {
    return to_native(static_cast<std::uint16_t>(~fold(value_)));
  }
  // True for the sum of bytes that include their right checksum.
  constexpr bool is_valid() const noexcept { return fold(value_) == 0xffff; }

 private:
  constexpr explicit PartialSum(std::uint64_t value) noexcept : value_(value) {}

  // The sum does not depend on the byte order of the words (RFC 1071 2.B), so words are added as
  // the machine loads them, and only results are swapped.
  static constexpr std::uint16_t to_native(std::uint16_t word) noexcept {
    return std::endian::native == std::endian::big ? word : detail::reverse_bytes(word);
  }
  // A number plus itself with its halves swapped has the sum of both halves, and the carry of that, above.
  static constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
    sum += std::rotl(sum, 32);
    auto upper = static_cast<std::uint32_t>(sum >> 32);
    upper += std::rotl(upper, 16);
    return static_cast<std::uint16_t>(upper >> 16);
  }

  // Words of up to 32 bits, added without a fold: no carry is lost below 16 GiB.
  std::uint64_t value_ = 0;
};

// The part of a pseudo header that a flow keeps. REQUIRES: both of one family.
inline PartialSum address_sum(const IpAddress& source, const IpAddress& destination) noexcept {
  const std::uint8_t* const from = source.bytes().data();
  const std::uint8_t* const to = destination.bytes().data();
  if (source.is_v4()) return PartialSum::of_words<1>(from) + PartialSum::of_words<1>(to);
  return PartialSum::of_words<4>(from) + PartialSum::of_words<4>(to);
}

// RFC 9293 3.1 and RFC 8200 8.1: `length` counts the upper header and its payload. REQUIRES: length < 65536.
inline PartialSum pseudo_header_sum(PartialSum addresses, IpProtocol protocol, std::size_t length) noexcept {
  return addresses + PartialSum::of_word(static_cast<std::uint8_t>(protocol)) +
         PartialSum::of_word(static_cast<std::uint16_t>(length));
}

inline PartialSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                                    IpProtocol protocol, std::size_t length) noexcept {
  return pseudo_header_sum(address_sum(source, destination), protocol, length);
}

// The checksum after one 16-bit word of what it covers changed (RFC 1624, equation 3).
constexpr std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t old_word,
                                         std::uint16_t new_word) noexcept {
  std::uint32_t sum = std::uint32_t{static_cast<std::uint16_t>(~checksum)} +
                      std::uint32_t{static_cast<std::uint16_t>(~old_word)} + std::uint32_t{new_word};
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace wgr::wire
