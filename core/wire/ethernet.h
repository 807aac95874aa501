// The Ethernet header (IEEE 802.3, RFC 894, RFC 2464): a checked view and a writer.
//
//   |destination, 6 bytes|source, 6 bytes|type or length|payload ...
//
// There is no frame check sequence and no least length: a browser's NIC may send frames of 14 bytes. An
// 802.1Q tag is recognised and not looked behind.
//
// Thread: a view is as free as the memory it points into.
#pragma once

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"
#include "core/result.h"

namespace wgr::wire {

inline constexpr std::size_t kEthernetHeaderSize = 14;
inline constexpr std::size_t kEthernetMinFrame = 60;  // what a NIC of the old kind pads to, without FCS

// Any other value is a type without a name here, or up to kEthernetMaxLength a length (IEEE 802.3 3.2.6).
enum class EtherType : std::uint16_t {
  kIpv4 = 0x0800,
  kArp = 0x0806,
  kVlan = 0x8100,
  kIpv6 = 0x86dd,
  kProviderVlan = 0x88a8,
};
inline constexpr std::uint16_t kEthernetMaxLength = 1500;

class EthernetView {
 public:
  // A whole header.
  static Result<EthernetView> parse(MutableBytes frame) noexcept {
    if (frame.size() < kEthernetHeaderSize) return DropReason::kFrameMalformed;
    return EthernetView{frame};
  }

  MacAddress destination() const noexcept { return MacAddress::read(frame_); }
  MacAddress source() const noexcept { return MacAddress::read(frame_.subspan(MacAddress::kSize)); }
  EtherType type() const noexcept {
    return static_cast<EtherType>(load_be<std::uint16_t>(frame_.data() + 12));
  }
  bool is_tagged() const noexcept { return type() == EtherType::kVlan || type() == EtherType::kProviderVlan; }
  MutableBytes frame() const noexcept { return frame_; }
  // With whatever pads it.
  MutableBytes payload() const noexcept { return frame_.subspan(kEthernetHeaderSize); }

 private:
  explicit EthernetView(MutableBytes frame) noexcept : frame_(frame) {}

  MutableBytes frame_;
};

// Writes kEthernetHeaderSize bytes. REQUIRES: frame.size() >= kEthernetHeaderSize.
void write_ethernet(MutableBytes frame, const MacAddress& destination, const MacAddress& source,
                    EtherType type) noexcept;

// Groups that a bridge keeps to one link: spanning tree, pause, LLDP (IEEE 802.1Q table 8-1).
bool is_link_constrained(const MacAddress& mac) noexcept;

// The interface's link-local address (RFC 4291 appendix A, RFC 2464 5).
IpAddress link_local_of(const MacAddress& mac) noexcept;

}  // namespace wgr::wire
