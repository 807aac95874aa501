// The IPv4 addresses of one virtual LAN and who has them.
//
//   free --offer--> offered --confirm--> leased --release, time--> remembered --offer--> offered ...
//     ^               | time                | decline                  | the address is needed
//     +---------------+                     v                          v
//     +------------- time ------------- quarantined               free again
//
// An address belongs to a client: a station, that is its MAC address and an ordinal which tells clones of
// one machine apart, and below it what it calls itself in DHCP (option 61). The identifier alone is nobody:
// a station that says another's gets an address of its own. An expired lease is remembered until the
// address is needed, so that a client gets its former address back.
//
// Bounds: a station holds at most `leases_per_session` addresses in any state, then its own least recently
// used one gives way; kMaxBindings in all. When no address is free, the one remembered longest is taken,
// then the lease of the station that is gone longest, then what the station with the most addresses has
// beside the one it used last, and then there is none. All in O(log n), where a station's own are few.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/mac_address.h"
#include "core/time.h"
#include "slirp/lan/config.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/free_addresses.h"
#include "slirp/lan/lease.h"

namespace wgr::slirp::lan {

class LeaseTable {
 public:
  static constexpr std::size_t kMaxBindings = 65536;
  // What a lease file says the clone of a MAC was: nobody's, until a station claims the address.
  static constexpr std::uint32_t kRestoredClone = 0x80000000;

  // An address that its station may not use any more.
  struct Ended {
    IpAddress address;
    MacAddress mac;
    std::uint32_t clone = 0;

    friend bool operator==(const Ended&, const Ended&) = default;
  };

  // `counters` and `config` outlive the table. `saved` are the leases of a former run; those that do not fit
  // the configuration are left out.
  LeaseTable(const NetworkConfig& config, Counters& counters, const std::vector<Lease>& saved,
             WallTime wall_now, Instant now);

  // --- DHCP ---
  // An address for the client, kept for it until the offer expires: the one it has, had, is configured to
  // have, asks for, or any. The same again while nothing changes. nullopt, counted: there is none.
  std::optional<IpAddress> offer(const LeaseClient& client, const std::optional<IpAddress>& requested,
                                 Instant now);
  // Leases the address to the client for the configured time from `now` on: one it was offered or has, or
  // one that is free. False: it is somebody else's, in quarantine, or not of this network. A client that had
  // another address loses that. An empty `host_name` leaves what is known.
  bool confirm(const LeaseClient& client, const IpAddress& address, std::string_view host_name, Instant now);
  // False: not the client's.
  bool release(const LeaseClient& client, const IpAddress& address, Instant now);
  bool decline(const LeaseClient& client, const IpAddress& address, Instant now);
  // The client took another server's offer.
  void withdraw_offer(const LeaseClient& client, Instant now);
  // What the client was offered or leased, or had last.
  std::optional<IpAddress> find(const LeaseClient& client) const;

  // --- without DHCP ---
  // A station uses an address of the subnet: it has it statically, or still has it from a time this table
  // does not remember. True when it is the station's already, or was free and is now leased to it.
  bool claim(const MacAddress& mac, std::uint32_t clone, const IpAddress& address, Instant now);
  // The station is there, or has gone: its leases stay, but are the first to give way.
  void station_seen(const MacAddress& mac, std::uint32_t clone);
  void station_gone(const MacAddress& mac, std::uint32_t clone, Instant now);

  // --- what others ask ---
  // Of a live lease. Valid until the table changes.
  const LeaseClient* owner_of(const IpAddress& address) const;
  std::string_view host_name_of(const IpAddress& address) const;
  std::vector<IpAddress> addresses_of(const MacAddress& mac, std::uint32_t clone) const;  // leased ones

  Instant next_deadline() const noexcept;
  void on_deadline(Instant now);

  // Leases that have ended since the last call, however they did. REQUIRES: taken once in a while.
  std::vector<Ended> take_ended() { return std::exchange(ended_, {}); }
  // True once after something changed that leases() would tell.
  bool take_changed() noexcept { return std::exchange(is_changed_, false); }
  // By address, the remembered ones too: what to save.
  std::vector<Lease> leases() const;
  std::size_t size() const noexcept { return bindings_.size(); }

 private:
  enum class State : std::uint8_t { kOffered, kLeased, kRemembered, kQuarantined };

  struct Binding {
    LeaseClient client;
    std::string host_name;
    State state = State::kOffered;
    bool was_leased = false;   // worth remembering
    bool is_present = true;    // its station is there
    bool is_restored = false;  // from the lease file, not heard of since
    bool is_claimed = false;   // without DHCP
    Instant until = kNever;    // end of the state; of a remembered one: when its lease ended
    Instant gone_since{};      // if not present
  };
  using Station = std::pair<MacAddress, std::uint32_t>;
  using Bindings = std::unordered_map<std::uint32_t, Binding>;
  // Rank (remembered before gone), since when, address.
  using Reclaimable = std::set<std::tuple<int, Instant, std::uint32_t>>;

  bool is_host(std::uint32_t address) const;     // of the subnet, and nobody's by nature
  bool is_dynamic(std::uint32_t address) const;  // of the pool, and no static lease
  // Whether a station of this MAC may use, or be leased, an address that no binding holds.
  bool may_have(const MacAddress& mac, std::uint32_t address) const;
  bool may_lease(const MacAddress& mac, std::uint32_t address) const;
  // Whether the client is known to be the one behind a binding that does not name it: of a lease file, or of
  // its own station without DHCP.
  static bool may_adopt(const Binding& binding, const LeaseClient& client);
  bool is_full(const std::vector<std::uint32_t>& station) const;
  std::optional<std::uint32_t> static_address(const MacAddress& mac) const;

  Binding* at(std::uint32_t address);
  const Binding* at(std::uint32_t address) const;
  const Binding* at(const IpAddress& address) const;
  std::optional<std::uint32_t> address_of(const LeaseClient& client) const;
  std::optional<std::uint32_t> choose(const LeaseClient& client, const std::optional<IpAddress>& requested);
  // An address that somebody can do without is free then; false: there is none.
  bool reclaim_one();
  // Of a station with several, of the pool.
  std::optional<std::uint32_t> spare_address() const;
  std::uint32_t least_useful(const std::vector<std::uint32_t>& addresses) const;
  // One binding more, of this station and in all.
  bool make_room_for(const Station& station);

  void bind(std::uint32_t address, const LeaseClient& client, State state, Instant until);
  void adopt(std::uint32_t address, const LeaseClient& client);
  void lease(std::uint32_t address, Instant now);
  void set_state(std::uint32_t address, Binding& binding, State state, Instant until);
  // Its time is over: remembered where that is of use.
  void retire(std::uint32_t address, Instant now);
  void forget(std::uint32_t address);
  void set_present(const Station& station, bool is_present, Instant now);
  void touch(const Station& station, std::uint32_t address);  // most recently used
  void join(const Station& station, std::uint32_t address);
  void leave(const Station& station, std::uint32_t address);
  void recount(const Station& station, std::size_t former, std::size_t count);
  void index(std::uint32_t address, const Binding& binding);
  void unindex(std::uint32_t address, const Binding& binding);
  void restore(const Lease& lease, Instant now);

  // --- constant after construction ---
  const NetworkConfig& config_;
  std::uint32_t network_ = 0;
  std::uint32_t broadcast_ = 0;
  std::uint32_t first_ = 1;  // of the pool; first_ > last_: no pool
  std::uint32_t last_ = 0;
  WallTime wall_start_;
  Instant start_;
  std::map<MacAddress, std::uint32_t> static_by_mac_;
  std::unordered_map<std::uint32_t, MacAddress> static_by_address_;

  // --- changed by every call ---
  Counters& counters_;
  FreeAddresses free_;
  Bindings bindings_;
  std::map<Station, std::vector<std::uint32_t>> stations_;  // least recently used first
  std::set<std::pair<std::size_t, Station>> crowded_;       // with several, by their number
  std::set<std::pair<Instant, std::uint32_t>> deadlines_;
  Reclaimable reclaimable_;
  std::vector<Ended> ended_;
  bool is_changed_ = false;
};

}  // namespace wgr::slirp::lan
