// ARP for IPv4 over Ethernet (RFC 826): read and written as a value.
//
//   |hardware 1 | protocol 0x0800|
//   |6 |4 | operation            |
//   |sender MAC (6)|sender address (4)|target MAC (6)|target address (4)|
//
// Who may say what is not decided here.
//
// Thread: values.
#pragma once

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"
#include "core/result.h"

namespace wgr::wire {

inline constexpr std::size_t kArpSize = 28;

enum class ArpOperation : std::uint16_t { kRequest = 1, kReply = 2 };

struct ArpMessage {
  ArpOperation operation = ArpOperation::kRequest;
  MacAddress sender_mac;
  IpAddress sender;
  MacAddress target_mac;
  IpAddress target;

  // `payload` may be longer: Ethernet pads it.
  static Result<ArpMessage> parse(Bytes payload) noexcept;

  // RFC 5227 1.1: asks whether somebody uses an address, and claims none.
  bool is_probe() const noexcept { return sender.is_unspecified(); }
  // RFC 5227 1.1: tells whose an address is, and asks nothing.
  bool is_announcement() const noexcept { return sender == target; }

  friend bool operator==(const ArpMessage&, const ArpMessage&) = default;
};

// Writes kArpSize bytes. REQUIRES: payload.size() >= kArpSize; both addresses IPv4.
void write_arp(MutableBytes payload, const ArpMessage& message) noexcept;

}  // namespace wgr::wire
