#include "core/wire/ethernet.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace wgr::wire {

void write_ethernet(MutableBytes frame, const MacAddress& destination, const MacAddress& source,
                    EtherType type) noexcept {
  assert(frame.size() >= kEthernetHeaderSize);
  std::uint8_t* const at = frame.data();
  std::copy_n(destination.bytes().begin(), MacAddress::kSize, at);
  std::copy_n(source.bytes().begin(), MacAddress::kSize, at + MacAddress::kSize);
  store_be(at + 12, static_cast<std::uint16_t>(type));
}

bool is_link_constrained(const MacAddress& mac) noexcept {
  constexpr std::array<std::uint8_t, 5> kBlock{0x01, 0x80, 0xc2, 0x00, 0x00};
  return std::equal(kBlock.begin(), kBlock.end(), mac.bytes().begin()) && mac.bytes()[5] <= 0x0f;
}

IpAddress link_local_of(const MacAddress& mac) noexcept {
  const auto& from = mac.bytes();
  std::array<std::uint8_t, 16> bytes{0xfe, 0x80};
  constexpr std::uint8_t kUniversalLocal = 0x02;
  bytes[8] = from[0] ^ kUniversalLocal;
  bytes[9] = from[1];
  bytes[10] = from[2];
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  std::copy_n(from.begin() + 3, 3, bytes.begin() + 13);
  return IpAddress::from_bytes(bytes);
}

}  // namespace wgr::wire
