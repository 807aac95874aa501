#include "core/wire/arp.h"

#include <algorithm>
#include <cassert>

namespace wgr::wire {
namespace {

// Hardware, protocol and their lengths, as one number.
constexpr std::uint64_t kIpv4OverEthernet = 0x0001'0800'06'04;

}  // namespace

Result<ArpMessage> ArpMessage::parse(Bytes payload) noexcept {
  if (payload.size() < kArpSize) return DropReason::kArpInvalid;
  const std::uint64_t head = load_be<std::uint64_t>(payload.data());
  const auto operation = static_cast<ArpOperation>(head & 0xffff);
  if (head >> 16 != kIpv4OverEthernet) return DropReason::kArpInvalid;
  if (operation != ArpOperation::kRequest && operation != ArpOperation::kReply) {
    return DropReason::kArpInvalid;
  }
  return ArpMessage{.operation = operation,
                    .sender_mac = MacAddress::read(payload.subspan(8)),
                    .sender = IpAddress::from_bytes(payload.subspan(14, 4)),
                    .target_mac = MacAddress::read(payload.subspan(18)),
                    .target = IpAddress::from_bytes(payload.subspan(24, 4))};
}

void write_arp(MutableBytes payload, const ArpMessage& message) noexcept {
  assert(payload.size() >= kArpSize);
  assert(message.sender.is_v4() && message.target.is_v4());
  std::uint8_t* const at = payload.data();
  store_be(at, kIpv4OverEthernet << 16 | static_cast<std::uint16_t>(message.operation));
  std::copy_n(message.sender_mac.bytes().begin(), MacAddress::kSize, at + 8);
  std::copy_n(message.sender.bytes().begin(), 4, at + 14);
  std::copy_n(message.target_mac.bytes().begin(), MacAddress::kSize, at + 18);
  std::copy_n(message.target.bytes().begin(), 4, at + 24);
}

}  // namespace wgr::wire
