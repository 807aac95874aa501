// The leases of all virtual LANs as text, one line each, as dnsmasq writes them:
//
//   # wgrouter leases 1
//   network default
//   1700003600 02:00:5e:10:00:01 10.86.1.20 laptop 01:02:00:5e:10:00:01
//   0 02:00:5e:10:00:02 10.86.1.21 * *
//
//   expiry in seconds of the epoch (0: never), MAC, address, host name, client identifier; * is none
//
// A file of dnsmasq's, without the head, is that of the network "default". What cannot be read is reported
// and passed over; a file of a version that does not exist yet is passed over as a whole.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "slirp/lan/lease.h"

namespace wgr::slirp::lan {

struct NetworkLeases {
  std::string network;
  std::vector<Lease> leases;

  friend bool operator==(const NetworkLeases&, const NetworkLeases&) = default;
};

struct LeaseFile {
  std::vector<NetworkLeases> networks;  // each once, in the order of the file
  // "line 7: ..." each, the first kMaxFaults of them and then how many more there are.
  std::vector<std::string> faults;
  bool is_foreign = false;  // of a version we cannot read: not to be lost

  // Of the network; empty if the file does not name it.
  std::vector<Lease> leases_of(std::string_view network) const;
};

inline constexpr std::size_t kMaxLeaseFaults = 10;

LeaseFile parse_lease_file(std::string_view text);

// Whole seconds, rounded up; host names as station_name() makes them. Networks without leases are left out,
// and so are leases that no line can hold.
std::string print_lease_file(const std::vector<NetworkLeases>& networks);

}  // namespace wgr::slirp::lan
