#include "core/egress/address_class.h"

#include <algorithm>

namespace wgr::egress {
namespace {

constexpr std::array<std::string_view, kAddressClassCount> kNames = {
    "public",  "unspecified", "loopback",  "link-local", "metadata",
    "private", "cgnat",       "multicast", "reserved",   "transition",
};

struct RangeV4 {
  std::uint32_t address;
  unsigned length;
  AddressClass address_class;
};

constexpr std::uint32_t v4(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// The first match counts.
constexpr RangeV4 kRangesV4[] = {
    {v4(169, 254, 169, 254), 32, AddressClass::kMetadata},  // most clouds
    {v4(169, 254, 170, 2), 32, AddressClass::kMetadata},    // container credentials
    {v4(100, 100, 100, 200), 32, AddressClass::kMetadata},  // Alibaba Cloud
    {v4(168, 63, 129, 16), 32, AddressClass::kMetadata},    // Azure, in public space
    {v4(0, 0, 0, 0), 8, AddressClass::kUnspecified},         {v4(127, 0, 0, 0), 8, AddressClass::kLoopback},
    {v4(169, 254, 0, 0), 16, AddressClass::kLinkLocal},      {v4(10, 0, 0, 0), 8, AddressClass::kPrivate},
    {v4(172, 16, 0, 0), 12, AddressClass::kPrivate},         {v4(192, 168, 0, 0), 16, AddressClass::kPrivate},
    {v4(100, 64, 0, 0), 10, AddressClass::kCarrierGradeNat}, {v4(224, 0, 0, 0), 4, AddressClass::kMulticast},
    {v4(192, 0, 0, 0), 24, AddressClass::kReserved},     // IETF protocol assignments
    {v4(192, 0, 2, 0), 24, AddressClass::kReserved},     // documentation
    {v4(198, 51, 100, 0), 24, AddressClass::kReserved},  // documentation
    {v4(203, 0, 113, 0), 24, AddressClass::kReserved},   // documentation
    {v4(192, 88, 99, 0), 24, AddressClass::kReserved},   // 6to4 relays, RFC 7526
    {v4(198, 18, 0, 0), 15, AddressClass::kReserved},    // benchmarking
    {v4(240, 0, 0, 0), 4, AddressClass::kReserved},      // and the limited broadcast
};

struct RangeV6 {
  std::uint64_t high;
  std::uint64_t low;
  unsigned length;
  AddressClass address_class;
};

// The first match counts. What matches none is outside global unicast space.
constexpr RangeV6 kRangesV6[] = {
    {0, 0, 128, AddressClass::kUnspecified},
    {0, 1, 128, AddressClass::kLoopback},
    {0xfd000ec200000000, 0x254, 128, AddressClass::kMetadata},  // AWS
    {0xfd2000ce00000000, 0x254, 128, AddressClass::kMetadata},  // Google Cloud
    {0xfe80000000000000, 0, 10, AddressClass::kLinkLocal},
    {0xfc00000000000000, 0, 7, AddressClass::kPrivate},
    {0xfec0000000000000, 0, 10, AddressClass::kPrivate},  // site-local, RFC 3879
    {0xff00000000000000, 0, 8, AddressClass::kMulticast},
    {0x2001000000000000, 0, 23, AddressClass::kReserved},  // IETF protocol assignments
    {0x20010db800000000, 0, 32, AddressClass::kReserved},  // documentation
    {0x3fff000000000000, 0, 20, AddressClass::kReserved},  // documentation, RFC 9637
    {0x2000000000000000, 0, 3, AddressClass::kPublic},
};

constexpr std::uint64_t high_mask(unsigned length) {
  return length == 0 ? 0 : ~std::uint64_t{0} << (64 - std::min(length, 64u));
}

constexpr std::uint64_t low_mask(unsigned length) { return length <= 64 ? 0 : high_mask(length - 64); }

AddressClass classify_v4(std::uint32_t address) noexcept {
  for (const RangeV4& range : kRangesV4) {
    if (((address ^ range.address) >> (32 - range.length)) == 0) return range.address_class;
  }
  return AddressClass::kPublic;
}

AddressClass classify_v6(std::uint64_t high, std::uint64_t low) noexcept {
  for (const RangeV6& range : kRangesV6) {
    const bool matches = ((high ^ range.high) & high_mask(range.length)) == 0 &&
                         ((low ^ range.low) & low_mask(range.length)) == 0;
    if (matches) return range.address_class;
  }
  return AddressClass::kReserved;
}

}  // namespace

AddressClass classify(const IpAddress& address) noexcept {
  if (address.is_v4()) return classify_v4(address.to_v4());

  const AddressClass own = classify_v6(load_be<std::uint64_t>(address.bytes().data()),
                                       load_be<std::uint64_t>(address.bytes().data() + 8));
  const EmbeddedAddresses embedded{address};
  if (embedded.all().empty() || own == AddressClass::kMetadata) return own;

  AddressClass worst = AddressClass::kPublic;
  for (const IpAddress& v4_address : embedded.all()) {
    const AddressClass inner = classify_v4(v4_address.to_v4());
    if (worst == AddressClass::kPublic || inner == AddressClass::kMetadata) worst = inner;
  }
  if (worst == AddressClass::kMetadata) return worst;
  // An ISATAP interface identifier may stand behind any prefix, a link-local or private one too.
  if (own == AddressClass::kLinkLocal || own == AddressClass::kPrivate || own == AddressClass::kMulticast)
    return own;
  if (worst != AddressClass::kPublic) return worst;
  return embedded.is_nat64() ? AddressClass::kPublic : AddressClass::kTransition;
}

std::string_view to_string(AddressClass address_class) noexcept {
  return kNames[static_cast<std::size_t>(address_class)];
}

std::optional<AddressClass> parse_address_class(std::string_view name) noexcept {
  const auto* const found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<AddressClass>(found - kNames.begin());
}

EmbeddedAddresses::EmbeddedAddresses(const IpAddress& address) noexcept {
  if (address.is_v4()) return;
  const std::uint8_t* const bytes = address.bytes().data();
  const auto word = [bytes](std::size_t offset) { return load_be<std::uint32_t>(bytes + offset); };

  if (word(0) == 0 && word(4) == 0) {
    const bool is_plain = word(8) == 0 && word(12) <= 1;                      // :: and ::1
    if (!is_plain && (word(8) == 0 || word(8) == 0x0000ffff)) add(word(12));  // RFC 4291 2.5.5
    if (word(8) == 0xffff0000) add(word(12));                                 // RFC 2765, ::ffff:0:0:0/96
  } else if (word(0) == 0x0064ff9b && word(4) == 0 && word(8) == 0) {
    is_nat64_ = true;
    add(word(12));
  } else if (word(0) == 0x0064ff9b && word(4) >> 16 == 1) {
    // RFC 8215 leaves the length open: as a /96, and as a /48 around the octet that is zero (RFC 6052 2.2).
    add(word(12));
    const std::uint32_t around =
        (word(4) & 0xffff) << 16 | static_cast<std::uint32_t>(bytes[9]) << 8 | bytes[10];
    if (around != 0) add(around);
  } else if (word(0) >> 16 == 0x2002) {
    add(word(0) << 16 | word(4) >> 16);  // RFC 3056
  } else if (word(0) == 0x20010000) {
    add(word(4));    // RFC 4380: the server,
    add(~word(12));  // and the client, inverted
  }
  if ((word(8) & ~std::uint32_t{0x02000000}) == 0x00005efe) add(word(12));  // ISATAP, RFC 5214 6.1
}

void EmbeddedAddresses::add(std::uint32_t v4_address) noexcept {
  addresses_[count_++] = IpAddress::v4(v4_address);
}

}  // namespace wgr::egress
