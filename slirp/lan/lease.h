// A lease as it is written down, and who asks for one.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "core/address.h"
#include "core/mac_address.h"
#include "core/time.h"

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

// Who asks.
struct LeaseClient {
  MacAddress mac;
  std::uint32_t clone = 0;  // tells stations with the same MAC apart, on an isolated network
  std::string client_id;    // option 61 as sent; empty: none

  friend bool operator==(const LeaseClient&, const LeaseClient&) = default;
};

}  // namespace wgr::slirp::lan
