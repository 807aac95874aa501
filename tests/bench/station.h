// A station of the router's virtual LAN, as little as gets an address: DHCP (RFC 2131 4.4) without timers,
// and the gateway's MAC by its answers. It answers no ARP: the gateway knows it by its lease.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"

namespace wgr::bench {

class Station {
 public:
  // Its MAC follows from the number.
  explicit Station(std::uint32_t number);

  // The next question, as a frame in `room`: DISCOVER, then REQUEST of what was offered; bound, a renewal.
  MutableBytes ask(MutableBytes room) const;
  // Takes a frame. True for an answer that led on: an OFFER, or the ACK that binds or renews.
  bool receive(MutableBytes frame);

  bool is_bound() const noexcept { return is_bound_; }
  const IpAddress& address() const noexcept { return address_; }
  // Writes the header of a frame to the gateway.
  void write_header(MutableBytes frame) const noexcept;

 private:
  MacAddress mac_;
  MacAddress gateway_mac_;
  IpAddress address_;  // offered, then bound
  IpAddress server_;
  std::uint32_t xid_;
  bool is_bound_ = false;
};

}  // namespace wgr::bench
