// The virtual LANs that live on one worker, behind one door for the shard: sessions and frames come in,
// IP packets of stations and frames for sessions come out. Which worker is a network's home is
// network_home()'s word alone, so that spreading networks otherwise is a change of policy.
//
// It has no protocol of its own and does no IO.
//
// Thread: confined to its worker. Counters may be read from any thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/routes.h"
#include "core/guest_serials.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/session_id.h"
#include "core/time.h"
#include "slirp/lan/segment.h"

namespace wgr {

// The stations of a network are a group of guests: that of its place in the configuration.
inline GuestGroup group_of(NetworkIndex network) noexcept { return static_cast<GuestGroup>(network + 1); }
// REQUIRES: guest.is_station().
inline NetworkIndex network_of(GuestId guest) noexcept {
  return static_cast<NetworkIndex>(guest.group() - 1);
}

// Networks are dealt round-robin.
inline WorkerIndex network_home(NetworkIndex network, std::size_t workers) noexcept {
  return static_cast<WorkerIndex>(network % workers);
}

struct LanSettings {
  slirp::lan::NetworkConfig config;
  std::vector<slirp::lan::Lease> leases;  // of a former run
};

class LanHub {
 public:
  struct StationPacket {
    NetworkIndex network = kNoNetwork;
    PacketView packet;  // into the frame that came in
  };

  // Makes the segments that have their home here. `rng` outlives the hub.
  LanHub(WorkerIndex worker, std::size_t workers, const std::vector<LanSettings>& networks, Rng& rng,
         WallTime wall_now, Instant now);

  // REQUIRES for all below: the network's home is this worker.
  void session_opened(SessionId session, NetworkIndex network, const slirp::lan::SessionOwner& owner,
                      Instant now);
  void session_heard(SessionId session, NetworkIndex network, Instant now);
  void session_closed(SessionId session, NetworkIndex network, Instant now);
  // The frame stays in place until packets() was taken.
  void receive(SessionId session, NetworkIndex network, MutableBytes frame, Instant now);

  // A packet for a station of this worker. One that is gone is counted by its segment.
  void send(GuestId station, Bytes packet, Instant now) {
    segments_[network_of(station)]->send(station, packet, now, out_);
  }
  GuestId station_at(NetworkIndex network, const IpAddress& address) const {
    return segments_[network]->station_at(address);
  }

  Instant next_deadline() const;
  void on_deadline(Instant now);

  // What came out; the caller takes and clears it.
  std::vector<StationPacket>& packets() noexcept { return packets_; }
  slirp::lan::FrameBatch& frames() noexcept { return out_.frames; }
  std::vector<slirp::lan::Segment::Closing>& closings() noexcept { return out_.closings; }
  std::vector<GuestId>& gone() noexcept { return out_.gone; }

  // The networks whose home is here, in order; null elsewhere.
  slirp::lan::Segment* segment(NetworkIndex network) noexcept { return segments_[network].get(); }
  const slirp::lan::Segment* segment(NetworkIndex network) const noexcept { return segments_[network].get(); }
  std::size_t network_count() const noexcept { return segments_.size(); }

 private:
  void take_packets(NetworkIndex network);

  std::deque<GuestSerials> serials_;                            // by network; segments refer to them
  std::vector<std::unique_ptr<slirp::lan::Segment>> segments_;  // by network; null: another worker's
  slirp::lan::Segment::Out out_;
  std::vector<StationPacket> packets_;
};

}  // namespace wgr
