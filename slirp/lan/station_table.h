// The stations of one virtual LAN: which session a MAC address lives on, and which addresses it may use.
//
// A frame of a session with a MAC address that the session does not have yet:
//
//   unknown                                  -> a new station
//   its station is detached, or its session long silent, which is closed then:
//     of the same owner                      -> that one comes back: same guest, addresses and flows
//     of another owner, isolated network     -> a clone: a station of its own
//     of another owner, switch               -> a new station in the place of that one, whose flows end
//   on a live session, isolated network      -> a clone (tabs of one state image)
//   on a live session, switch                -> refused: who came first keeps it
//
// A MAC takes leases along but no flows: those stay with the owner (session_owner.h). So a machine that comes
// back from elsewhere without a token goes on at once with the address it has, as a clone that shares the
// address of its image; what it had open ends with a reset as soon as it sends. Until its former station is
// forgotten, what others send to that address still belongs to that one.
//
// IPv4 addresses are the LeaseTable's. IPv6 addresses are learned: link-local or of the prefix, who comes
// first has it. Clones may share the addresses of their image, since flows are told apart by guest; what
// is sent to such an address goes to the one who had it first.
//
// Bounds: max_stations in all, of which the longest detached gives way to a newcomer; macs_per_session;
// kMaxAddressesV6 per station, of which the least recently used gives way.
//
// Thread: confined to its owner.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/deadline_queue.h"
#include "core/guest_serials.h"
#include "core/keyed_hash.h"
#include "core/result.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/frame_store.h"
#include "slirp/lan/lease_table.h"
#include "slirp/lan/segment.h"
#include "slirp/lan/station.h"

namespace wgr::slirp::lan {

class StationTable {
 public:
  using Out = Segment::Out;
  static constexpr std::size_t kMaxAddressesV6 = 16;
  static constexpr std::uint16_t kTakenOverCode = 4001;

  // All outlive the table.
  StationTable(const NetworkConfig& config, GuestSerials& serials, LeaseTable& leases, FrameStore& store,
               Counters& counters);
  ~StationTable();

  // --- sessions ---
  void attach(SessionId session, const SessionOwner& owner, Instant now);
  void detach(SessionId session, Instant now);
  void heard(SessionId session, Instant now);
  bool is_attached(SessionId session) const { return sessions_.contains(session); }
  // It goes on, and no station lives on it.
  bool is_silent(SessionId session) const {
    const auto at = sessions_.find(session);
    return at != sessions_.end() && at->second.stations.empty();
  }

  // --- identity ---
  // Whose frame this is. Valid until the next call of this or of forget_due().
  Result<Station*> sender_of(SessionId session, const MacAddress& source, Instant now, Out& out);
  Station* find(GuestId guest);
  Station* find(const MacAddress& mac, std::uint32_t clone);
  // If its time detached is over. False: it is not.
  bool forget_if_due(Station& station, Instant now, Out& out);

  // --- addresses ---
  // Whether the station may send from this address; a free one of this network becomes its own.
  bool may_use(Station& station, const IpAddress& source, Instant now) {
    if (source.is_v4()) {
      return (!station.v4.empty() && station.v4.front() == source) || may_use_v4(station, source, now);
    }
    return may_use_v6(station, source, now);
  }
  // After the leases changed by other ways than may_use().
  void take_ended_leases();
  // Nobody: null.
  Station* owner_of(const IpAddress& address);
  std::vector<IpAddress> addresses_of(const Station& station) const;

  // --- names ---
  // By host name, whatever its case. A name that a static lease gives is its MAC's alone; of stations that
  // say the same name the first has it, and when that one is forgotten or says another, the next.
  Station* named(std::string_view host_name);
  // The name that the station has; empty: none, or one that is another's.
  std::string_view name_of(const Station& station) const;
  // What the lease of this address says.
  void learn_name(Station& station, const IpAddress& address);

  // True once after stations came or went, lost or found their session, or have other names or addresses.
  bool take_changed() noexcept { return std::exchange(is_changed_, false); }

  // --- deadlines: of stations ---
  // After a station changed its next_deadline().
  void arm(Station& station) { deadlines_.arm(station.guest, station.next_deadline(), station.queued); }
  Instant next_deadline() const noexcept { return deadlines_.next(); }
  // One that may have something due; it must be armed again. Null: no more.
  Station* take_due(Instant now);

  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto& [guest, station] : stations_) visit(*station);
  }
  // One station of each session.
  template <typename Visitor>
  void for_each_session(Visitor&& visit) {
    for (auto& [id, session] : sessions_) {
      if (!session.stations.empty()) visit(*session.stations.front());
    }
  }
  std::size_t size() const noexcept { return stations_.size(); }

 private:
  struct Session {
    Instant heard;
    SessionOwner owner;
    std::vector<Station*> stations;
  };

  bool source_is_welcome(const MacAddress& mac) const;
  Result<Station*> admit(SessionId id, Session& session, const MacAddress& mac, Instant now, Out& out);
  bool make_room_in(Session& session, Instant now);
  bool make_room(Out& out);
  // Without a session, or on one that is long silent.
  bool is_left(const Station& station, Instant now) const;
  // Of the stations with this MAC, which the owner has left: its last from the same source, if there is one.
  Station* adoptable(const std::vector<Station*>& same_mac, const SessionOwner& owner, Instant now) const;
  Result<Station*> create(const MacAddress& mac, Instant now, Out& out);
  void take_over(Station& station, Instant now, Out& out);
  void join(Station& station, SessionId id, Session& session, Instant now);
  void leave(Station& station, Instant now);
  void forget(Station& station, Out& out);

  bool may_use_v4(Station& station, const IpAddress& source, Instant now);
  bool may_use_v6(Station& station, const IpAddress& source, Instant now);
  bool is_of_network_v6(const IpAddress& address) const;
  void learn_v6(Station& station, const IpAddress& address, Instant now);
  void unlearn_v6(const Station& station, const IpAddress& address);

  bool is_name_for(std::string_view host_name, const MacAddress& mac) const;
  void unlearn_name(const Station& station);

  const NetworkConfig& config_;
  GuestSerials& serials_;
  LeaseTable& leases_;
  FrameStore& store_;
  Counters& counters_;

  std::unordered_map<SessionId, Session> sessions_;
  std::unordered_map<GuestId, std::unique_ptr<Station>> stations_;
  std::unordered_map<MacAddress, std::vector<Station*>> by_mac_;     // clones in order
  std::unordered_map<IpAddress, Station*, KeyedAddressHash> by_v6_;  // who learned it first; they make many
  // Names in lower case, and who says them in the order in which they did.
  std::map<std::string, std::vector<Station*>> by_name_;
  DeadlineQueue<GuestId> deadlines_;
  bool is_changed_ = false;
};

}  // namespace wgr::slirp::lan
