// The IPv4 addresses of one virtual LAN and who has them.
//
// An address is free, offered, leased, or in quarantine after a DECLINE. It belongs to a client: its DHCP
// client identifier (option 61) or hardware address, plus an ordinal that tells clones of one machine
// apart. An expired lease stays remembered until the address is needed, so that a client gets its former
// address back.
//
// Thread: confined to its owner.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/mac_address.h"
#include "core/time.h"
#include "slirp/lan/config.h"

namespace wgr::slirp::lan {

// One binding as it survives a restart.
struct Lease {
  IpAddress address;
  MacAddress mac;
  std::string client_id;  // option 61 as sent, any bytes; empty: the MAC identifies the client
  std::string host_name;
  WallTime expires{};  // WallTime::max(): never

  friend bool operator==(const Lease&, const Lease&) = default;
};

}  // namespace wgr::slirp::lan
