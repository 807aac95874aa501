// IP addresses, prefixes and socket addresses as plain values, for both families.
// Parsing is strict (inet_pton): no octal, no short forms, no zone ids, no host names.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/bytes.h"

namespace wgr {

enum class Family : std::uint8_t { kV4 = 4, kV6 = 6 };

// An address of one family. An IPv4 address keeps its four bytes first; the rest is zero.
class IpAddress {
 public:
  constexpr IpAddress() noexcept = default;  // 0.0.0.0
  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept;
  static IpAddress v4(std::uint32_t host_order) noexcept;
  // REQUIRES: bytes.size() == 4 or 16; that decides the family.
  static IpAddress from_bytes(Bytes bytes) noexcept {
    assert(bytes.size() == 4 || bytes.size() == 16);
    IpAddress address;
    if (bytes.size() == 4) {
      std::memcpy(address.bytes_.data(), bytes.data(), 4);
    } else {
      address.family_ = Family::kV6;
      std::memcpy(address.bytes_.data(), bytes.data(), 16);
    }
    return address;
  }
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  Family family() const noexcept { return family_; }
  bool is_v4() const noexcept { return family_ == Family::kV4; }
  bool is_v6() const noexcept { return family_ == Family::kV6; }
  // 4 or 16 bytes, network order.
  Bytes bytes() const noexcept { return Bytes{bytes_}.first(is_v4() ? 4 : 16); }
  unsigned bit_length() const noexcept { return is_v4() ? 32 : 128; }
  // REQUIRES: is_v4().
  std::uint32_t to_v4() const noexcept;

  bool is_unspecified() const noexcept;
  bool is_loopback() const noexcept;
  bool is_multicast() const noexcept;
  bool is_link_local() const noexcept;

  std::string to_string() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
  // Compared for every datagram: two words, where the array's own comparison would be a call.
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    using Words = std::array<std::uint64_t, 2>;
    return a.family_ == b.family_ && std::bit_cast<Words>(a.bytes_)[0] == std::bit_cast<Words>(b.bytes_)[0] &&
           std::bit_cast<Words>(a.bytes_)[1] == std::bit_cast<Words>(b.bytes_)[1];
  }

 private:
  Family family_ = Family::kV4;
  std::array<std::uint8_t, 16> bytes_{};
};

// An address and a length, host bits always zero.
class Prefix {
 public:
  Prefix() noexcept = default;  // 0.0.0.0/0
  // Host bits are cleared. REQUIRES: length <= address.bit_length().
  Prefix(const IpAddress& address, unsigned length) noexcept;
  // "10.0.0.0/8", "fd00::/64", or a bare address, which means /32 or /128.
  static std::optional<Prefix> parse(std::string_view text) noexcept;

  const IpAddress& address() const noexcept { return address_; }
  unsigned length() const noexcept { return length_; }
  Family family() const noexcept { return address_.family(); }
  bool contains(const IpAddress& address) const noexcept;
  std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) noexcept = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

// Who is behind an address, as far as limits can tell customers apart: an IPv4 address stands for itself, an
// IPv6 address for its /64, the network of one customer, in which a host chooses addresses as it likes.
IpAddress source_of(const IpAddress& address) noexcept;

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  // "1.2.3.4:80" or "[2001:db8::1]:80".
  static std::optional<SocketAddress> parse(std::string_view text) noexcept;
  std::string to_string() const;

  friend auto operator<=>(const SocketAddress&, const SocketAddress&) noexcept = default;
};

}  // namespace wgr

template <>
struct std::hash<wgr::IpAddress> {
  std::size_t operator()(const wgr::IpAddress& ip) const noexcept;
};
template <>
struct std::hash<wgr::SocketAddress> {
  std::size_t operator()(const wgr::SocketAddress& address) const noexcept {
    return std::hash<wgr::IpAddress>{}(address.ip) * 31 + address.port;
  }
};
