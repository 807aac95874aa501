// Finds the session behind which an absent station is back.
//
// A station is known by the frames it sends, and v86 dials again by itself when its WebSocket ends. But a
// machine that only receives, as in the middle of a download, has nothing to say, and while nothing reaches
// it that stays so. So the gateway asks as it would for any neighbour it does not know (RFC 826): who has the
// address of the station that a packet was for? It asks behind sessions on which no station was heard: at
// once when such a session begins, and while packets for the station come, at most once per kAskAgain. The
// answer is a frame like any other, and who sends it is told by StationTable.
//
// The question goes to the broadcast address and names no MAC address but the gateway's, so that who
// overhears it learns none to claim. A station without an IPv4 address is not asked for.
//
// Bounds: the latest kMaxSilent sessions, the latest kMaxMissed stations, arp_per_second questions per
// session.
//
// Thread: confined to its owner.
#pragma once

#include <chrono>
#include <vector>

#include "core/guest_id.h"
#include "core/session_id.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/segment.h"
#include "slirp/lan/station_table.h"
#include "slirp/token_bucket.h"

namespace wgr::slirp::lan {

class RollCall {
 public:
  using Out = Segment::Out;
  static constexpr std::size_t kMaxSilent = 64;
  static constexpr std::size_t kMaxMissed = 64;
  static constexpr Duration kAskAgain = std::chrono::seconds{1};

  // All outlive this object.
  RollCall(const NetworkConfig& config, StationTable& stations, Counters& counters)
      : config_(config), stations_(stations), counters_(counters) {}

  // A session that StationTable was told of.
  void session_began(SessionId session, Instant now, Out& out);
  // There was a packet for a station without a session.
  void missed(Station& station, Instant now, Out& out);

 private:
  struct Silent {
    SessionId session;
    TokenBucket questions;
  };

  void ask(Silent& silent, const Station& station, Instant now, Out& out);

  const NetworkConfig& config_;
  StationTable& stations_;
  Counters& counters_;
  std::vector<Silent> silent_;   // the latest at the back; those heard since are removed at the next question
  std::vector<GuestId> missed_;  // the latest at the back; those back are removed when a session begins
};

}  // namespace wgr::slirp::lan
