// What a destination is, before any rule is asked: public, or one of the ranges that lead back into
// the host, its network or its cloud (IANA special-purpose registries; RFC 6890).
//
// An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) is
// judged by what it carries, so that no spelling of 127.0.0.1 is public.
//
// Thread: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/address.h"

namespace wgr::egress {

// Names are the labels of policy_denied_total and the class names of rules.
enum class AddressClass : std::uint8_t {
  kPublic,
  kUnspecified,  // 0.0.0.0/8 and ::, which Linux connects to itself
  kLoopback,
  kLinkLocal,
  kMetadata,  // the credential services of clouds, wherever they live
  kPrivate,
  kCarrierGradeNat,
  kMulticast,
  kReserved,    // documentation, benchmarking, 240/4, IPv6 outside 2000::/3, ...
  kTransition,  // carries a public IPv4 address; kPublic with the NAT64 prefix 64:ff9b::/96
};
inline constexpr std::size_t kAddressClassCount = 10;

AddressClass classify(const IpAddress& address) noexcept;

// "public", "link-local", "cgnat", ...
std::string_view to_string(AddressClass address_class) noexcept;
std::optional<AddressClass> parse_address_class(std::string_view name) noexcept;

// The IPv4 addresses inside an IPv6 address; empty for IPv4 and for plain IPv6.
class EmbeddedAddresses {
 public:
  explicit EmbeddedAddresses(const IpAddress& address) noexcept;

  // Points into this object.
  std::span<const IpAddress> all() const& noexcept { return {addresses_.data(), count_}; }
  std::span<const IpAddress> all() && = delete;
  // 64:ff9b::/96 (RFC 6052): the way to IPv4 of a host with IPv6 only.
  bool is_nat64() const noexcept { return is_nat64_; }

 private:
  void add(std::uint32_t v4) noexcept;

  std::array<IpAddress, 4> addresses_;
  std::size_t count_ = 0;
  bool is_nat64_ = false;
};

}  // namespace wgr::egress
