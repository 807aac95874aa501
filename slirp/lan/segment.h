// One virtual LAN: the stations behind its WebSocket sessions, the gateway that they see, and what passes
// between them.
//
//   session --frame--> Segment --+-- ARP, DHCP, ND, RA: answered here
//                                +-- to the gateway's MAC: IP packet of a guest -> Out::packets
//                                +-- to another station: switched, unless stations are isolated
//   guest   <--frame-- Segment <----- send(guest, IP packet)
//
// A station is a guest. It is known by its MAC address, or by its session where the same MAC lives on
// several sessions of an isolated network (tabs restored from one state image). A station whose session
// has ended keeps its address, guest id and flows for a while: a browser VM comes back on a new session
// without DHCP or ARP, and its traffic goes on, if that session is of the same owner. If it has nothing to
// say, the gateway asks for it there.
//
// It is sans-IO and knows neither WebSockets nor workers.
//
// Thread: confined to the worker that is the network's home.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/guest_id.h"
#include "core/guest_serials.h"
#include "core/mac_address.h"
#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/session_id.h"
#include "core/time.h"
#include "slirp/lan/config.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/frame_batch.h"
#include "slirp/lan/lease_table.h"
#include "slirp/lan/session_owner.h"

namespace wgr::slirp::lan {

class Segment {
 public:
  // A session that must end, as a WebSocket close.
  struct Closing {
    SessionId session;
    std::uint16_t code = 0;
    std::string_view reason;  // a literal
  };

  // What came out of a call, appended; the caller takes and clears it.
  struct Out {
    std::vector<PacketView> packets;  // of stations: views into the frame that was received
    FrameBatch frames;
    std::vector<Closing> closings;
    std::vector<GuestId> gone;  // stations that were forgotten: their flows end
  };

  // Of a station, for reports and names.
  struct StationStatus {
    GuestId guest;
    MacAddress mac;
    SessionId session;  // none: detached
    std::vector<IpAddress> addresses;
    std::string host_name;  // by which it is found; empty: none, or one that another had first
  };

  // `serials` and `rng` outlive the segment. `leases` are those of a former run, if any.
  Segment(const NetworkConfig& config, GuestSerials& serials, Rng& rng, const std::vector<Lease>& leases,
          WallTime wall_now, Instant now);
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // --- sessions ---
  void attach(SessionId session, const SessionOwner& owner, Instant now, Out& out);
  void detach(SessionId session, Instant now, Out& out);
  // Something was heard of it, at least a pong.
  void heard(SessionId session, Instant now);

  // --- what comes in ---
  // A frame of a session. It stays in place, and may be written to, until out.packets was taken.
  void receive(SessionId session, MutableBytes frame, Instant now, Out& out);
  // An IP packet for a station. Paced where the station's ring is small.
  void send(GuestId station, Bytes packet, Instant now, Out& out);

  Instant next_deadline() const;
  void on_deadline(Instant now, Out& out);

  // --- what others ask ---
  // Nobody: no station has this address.
  GuestId station_at(const IpAddress& address) const;
  // A station by its DHCP host name, without domain; case does not matter.
  GuestId station_named(std::string_view host_name) const;
  std::optional<IpAddress> address_of(GuestId station) const;  // its IPv4 lease
  std::vector<StationStatus> stations() const;
  // True once after stations() or leases() would tell something else.
  bool take_changed();
  std::vector<Lease> leases() const;

  const NetworkConfig& config() const noexcept;
  const Counters& counters() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace wgr::slirp::lan
