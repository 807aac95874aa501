// One station of a virtual LAN: a MAC address behind a WebSocket session, and what is known of it.
//
// Thread: confined to its StationTable.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/guest_id.h"
#include "core/mac_address.h"
#include "core/session_id.h"
#include "core/time.h"
#include "slirp/lan/broadcast_budget.h"
#include "slirp/lan/config.h"
#include "slirp/lan/pacer.h"
#include "slirp/lan/session_owner.h"
#include "slirp/token_bucket.h"

namespace wgr::slirp::lan {

class Station {
 public:
  Station(GuestId id, const MacAddress& address, std::uint32_t ordinal, const NetworkConfig& config,
          FrameStore& store, Instant now)
      : guest(id),
        mac(address),
        clone(ordinal),
        heard(now),
        pacer(config.pace, store),
        answers(std::max(config.arp_per_second, 1u), std::max(config.arp_per_second, 1u), now),
        broadcasts(std::max(config.broadcast_per_second, 1u), std::max(config.broadcast_per_second, 1u),
                   now) {}

  bool is_attached() const noexcept { return static_cast<bool>(session); }
  Instant next_deadline() const noexcept;

  // --- constant after construction ---
  const GuestId guest;
  const MacAddress mac;
  const std::uint32_t clone;  // of the stations with this MAC, all on other sessions

  // --- changed by StationTable ---
  SessionId session;           // none: detached
  SessionOwner owner;          // of that session, or the last
  Instant forget_at = kNever;  // if detached
  std::vector<IpAddress> v4;   // it may send from; most of the time one
  struct Learned {
    IpAddress address;
    Instant used{};
  };
  std::vector<Learned> v6;

  std::string host_name;    // as it said it
  Instant queued = kNever;  // its entry in the deadlines

  // --- changed by the segment ---
  Instant heard;  // its last frame
  Pacer pacer;
  TokenBucket answers;     // to its ARP and neighbour discovery
  TokenBucket broadcasts;  // to the others of a switch
  BroadcastBudget::Share share;
  bool speaks_v6 = false;
  Instant ask_again{};            // when its absence may next be asked about
  Instant advertise_at = kNever;  // the next unasked router advertisement
};

inline Instant Station::next_deadline() const noexcept {
  if (!is_attached()) return forget_at;
  return std::min(advertise_at, pacer.next_deadline());
}

}  // namespace wgr::slirp::lan
