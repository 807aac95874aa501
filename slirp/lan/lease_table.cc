#include "slirp/lan/lease_table.h"

#include <algorithm>
#include <cassert>

namespace wgr::slirp::lan {
namespace {

constexpr std::uint32_t kMaxRestoredClones = 64;  // of one MAC

Instant later(Instant now, Duration by) noexcept { return by >= kNever - now ? kNever : now + by; }

// FNV-1a. The same for a station in every run, so that it gets the same address even where nothing was
// saved. Who chooses MACs to collide gets a neighbouring address, and nobody pays for it.
std::uint32_t hash_of(const LeaseClient& client) noexcept {
  std::uint32_t hash = 0x811c9dc5;
  const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * 0x01000193; };
  for (const std::uint8_t byte : client.mac.bytes()) add(byte);
  for (unsigned shift = 0; shift < 32; shift += 8) add(static_cast<std::uint8_t>(client.clone >> shift));
  return hash;
}

}  // namespace

LeaseTable::LeaseTable(const NetworkConfig& config, Counters& counters, const std::vector<Lease>& saved,
                       WallTime wall_now, Instant now)
    : config_(config), wall_start_(wall_now), start_(now), counters_(counters) {
  assert(config.subnet.family() == Family::kV4 && config.subnet.length() <= 30);
  network_ = config.subnet.address().to_v4();
  broadcast_ = network_ | (~std::uint32_t{0} >> config.subnet.length());
  for (const StaticLease& lease : config.dhcp.static_leases) {
    if (!lease.address.is_v4() || !is_host(lease.address.to_v4())) continue;
    static_by_mac_.try_emplace(lease.mac, lease.address.to_v4());
    static_by_address_.try_emplace(lease.address.to_v4(), lease.mac);
  }
  const DhcpConfig& dhcp = config.dhcp;
  first_ = std::max(dhcp.first.is_unspecified() ? 0 : dhcp.first.to_v4(), network_ + 1);
  last_ = std::min(dhcp.last.is_unspecified() ? broadcast_ : dhcp.last.to_v4(), broadcast_ - 1);
  if (first_ <= last_) free_ = FreeAddresses{first_, last_};
  free_.take(config.gateway.to_v4());
  for (const auto& [address, mac] : static_by_address_) free_.take(address);
  for (const Lease& lease : saved) restore(lease, now);
  is_changed_ = false;
}

void LeaseTable::restore(const Lease& lease, Instant now) {
  if (!lease.address.is_v4() || !lease.mac.is_unicast() || bindings_.size() >= kMaxBindings) return;
  const std::uint32_t address = lease.address.to_v4();
  if (at(address) != nullptr || !may_have(lease.mac, address)) return;

  // Two leases of one client are those of two clones: which is whose is seen when they come.
  LeaseClient client{lease.mac, 0, lease.client_id};
  const auto is_taken = [&] {
    const auto station = stations_.find({client.mac, client.clone});
    return address_of(client).has_value() || (station != stations_.end() && is_full(station->second));
  };
  for (std::uint32_t i = 0; is_taken(); ++i) {
    if (i == kMaxRestoredClones) return;
    client.clone = kRestoredClone | i;
  }

  const bool is_live = lease.expires > wall_start_;
  if (!is_live && !is_dynamic(address)) return;
  const bool is_endless = lease.expires == WallTime::max();
  // What has expired is remembered in the order in which it did, as far as an Instant can say.
  const Instant until =
      is_endless ? kNever
                 : later(now, std::max<Duration>(lease.expires - wall_start_, -std::chrono::hours{24}));
  bind(address, client, is_live ? State::kLeased : State::kRemembered, until);
  Binding& binding = *at(address);
  unindex(address, binding);
  binding.host_name = lease.host_name;
  binding.was_leased = true;
  binding.is_present = false;
  binding.is_restored = true;
  binding.gone_since = now;
  index(address, binding);
}

// --- DHCP ---

std::optional<IpAddress> LeaseTable::offer(const LeaseClient& client,
                                           const std::optional<IpAddress>& requested, Instant now) {
  on_deadline(now);
  const std::optional<std::uint32_t> address = choose(client, requested);
  if (!address) {
    counters_.dhcp_pool_exhausted.add();
    return std::nullopt;
  }
  const Station station{client.mac, client.clone};
  touch(station, *address);
  set_present(station, true, now);
  Binding& binding = *at(*address);
  if (binding.state != State::kLeased) {
    set_state(*address, binding, State::kOffered, later(now, config_.dhcp.offer_time));
  }
  return IpAddress::v4(*address);
}

// A binding of the client, made if there was none.
std::optional<std::uint32_t> LeaseTable::choose(const LeaseClient& client,
                                                const std::optional<IpAddress>& requested) {
  const std::optional<std::uint32_t> fixed = static_address(client.mac);
  const auto is_fixed_free = [&] { return fixed && at(*fixed) == nullptr; };
  if (const std::optional<std::uint32_t> current = address_of(client)) {
    if (!is_fixed_free()) return current;
    forget(*current);
  }
  const std::optional<std::uint32_t> asked =
      requested && requested->is_v4() ? std::optional{requested->to_v4()} : std::nullopt;
  if (asked && !is_fixed_free() && at(*asked) != nullptr && may_adopt(*at(*asked), client)) {
    adopt(*asked, client);
    return asked;
  }

  if (!make_room_for({client.mac, client.clone})) return std::nullopt;
  std::optional<std::uint32_t> address;
  if (is_fixed_free()) {
    address = fixed;
  } else if (asked && free_.contains(*asked)) {
    address = asked;
  } else if (!free_.empty() || reclaim_one()) {
    const std::uint64_t size = std::uint64_t{last_} - first_ + 1;
    address = free_.next(first_ + static_cast<std::uint32_t>(std::uint64_t{hash_of(client)} * size >> 32));
  }
  if (address) bind(*address, client, State::kOffered, kNever);
  return address;
}

bool LeaseTable::confirm(const LeaseClient& client, const IpAddress& address, std::string_view host_name,
                         Instant now) {
  on_deadline(now);
  if (!address.is_v4()) return false;
  const std::uint32_t wanted = address.to_v4();
  const Binding* const binding = at(wanted);
  const bool is_own = binding != nullptr && binding->client == client;
  if (binding == nullptr && !may_lease(client.mac, wanted)) return false;
  if (binding != nullptr && binding->state == State::kQuarantined) return false;
  if (binding != nullptr && !is_own && !may_adopt(*binding, client)) return false;

  const std::optional<std::uint32_t> former = address_of(client);
  if (former && *former != wanted && !at(*former)->is_claimed) forget(*former);
  if (binding == nullptr) {
    if (!make_room_for({client.mac, client.clone})) return false;
    bind(wanted, client, State::kOffered, kNever);
  } else if (!is_own) {
    adopt(wanted, client);
  }
  Binding& leased = *at(wanted);
  leased.is_claimed = false;
  if (!host_name.empty()) leased.host_name = host_name;
  lease(wanted, now);
  return true;
}

bool LeaseTable::release(const LeaseClient& client, const IpAddress& address, Instant now) {
  const Binding* const binding = at(address);
  if (binding == nullptr || !(binding->client == client) || binding->state == State::kQuarantined)
    return false;
  retire(address.to_v4(), now);
  return true;
}

bool LeaseTable::decline(const LeaseClient& client, const IpAddress& address, Instant now) {
  const Binding* const found = at(address);
  if (found == nullptr || !(found->client == client) || found->state == State::kQuarantined) return false;
  Binding& binding = *at(address.to_v4());
  if (binding.state == State::kLeased) ended_.push_back({address, client.mac, client.clone});
  binding.was_leased = false;
  binding.host_name.clear();
  set_state(address.to_v4(), binding, State::kQuarantined, later(now, config_.dhcp.decline_time));
  is_changed_ = true;
  return true;
}

void LeaseTable::withdraw_offer(const LeaseClient& client, Instant now) {
  const std::optional<std::uint32_t> address = address_of(client);
  if (address && at(*address)->state == State::kOffered) retire(*address, now);
}

std::optional<IpAddress> LeaseTable::find(const LeaseClient& client) const {
  const std::optional<std::uint32_t> address = address_of(client);
  if (!address) return std::nullopt;
  return IpAddress::v4(*address);
}

// --- without DHCP ---

bool LeaseTable::claim(const MacAddress& mac, std::uint32_t clone, const IpAddress& address, Instant now) {
  on_deadline(now);
  if (!address.is_v4() || !mac.is_unicast()) return false;
  const std::uint32_t wanted = address.to_v4();
  const LeaseClient client{mac, clone, {}};
  if (Binding* const binding = at(wanted)) {
    if (binding->state == State::kQuarantined) return false;
    const bool is_own = binding->client.mac == mac && binding->client.clone == clone;
    if (is_own && binding->state == State::kLeased) {
      binding->is_restored = false;
      set_present({mac, clone}, true, now);
      return true;
    }
    if (!is_own && may_adopt(*binding, client)) {
      adopt(wanted, {mac, clone, binding->client.client_id});
    } else if (!is_own) {
      if (binding->state != State::kRemembered) return false;
      forget(wanted);
    }
  }
  if (at(wanted) == nullptr) {
    if (!may_have(mac, wanted) || !make_room_for({mac, clone})) return false;
    bind(wanted, client, State::kOffered, kNever);
    at(wanted)->is_claimed = true;
  }
  lease(wanted, now);
  return true;
}

void LeaseTable::station_seen(const MacAddress& mac, std::uint32_t clone) {
  set_present({mac, clone}, true, start_);
}

void LeaseTable::station_gone(const MacAddress& mac, std::uint32_t clone, Instant now) {
  set_present({mac, clone}, false, now);
}

// --- what others ask ---

const LeaseClient* LeaseTable::owner_of(const IpAddress& address) const {
  const Binding* const binding = at(address);
  return binding != nullptr && binding->state == State::kLeased ? &binding->client : nullptr;
}

std::string_view LeaseTable::host_name_of(const IpAddress& address) const {
  const Binding* const binding = at(address);
  return binding != nullptr && binding->state == State::kLeased ? std::string_view{binding->host_name}
                                                                : std::string_view{};
}

std::vector<IpAddress> LeaseTable::addresses_of(const MacAddress& mac, std::uint32_t clone) const {
  std::vector<IpAddress> addresses;
  const auto station = stations_.find({mac, clone});
  if (station == stations_.end()) return addresses;
  for (const std::uint32_t address : station->second) {
    if (at(address)->state == State::kLeased) addresses.push_back(IpAddress::v4(address));
  }
  return addresses;
}

std::vector<Lease> LeaseTable::leases() const {
  std::vector<Lease> leases;
  for (const auto& [address, binding] : bindings_) {
    if (!binding.was_leased) continue;
    leases.push_back(
        {.address = IpAddress::v4(address),
         .mac = binding.client.mac,
         .client_id = binding.client.client_id,
         .host_name = binding.host_name,
         .expires = binding.until == kNever ? WallTime::max() : wall_start_ + (binding.until - start_)});
  }
  std::ranges::sort(leases, {}, &Lease::address);
  return leases;
}

// --- time ---

Instant LeaseTable::next_deadline() const noexcept {
  return deadlines_.empty() ? kNever : deadlines_.begin()->first;
}

void LeaseTable::on_deadline(Instant now) {
  while (next_deadline() <= now) {
    const auto [end, address] = *deadlines_.begin();
    if (at(address)->state == State::kQuarantined) {
      forget(address);
    } else {
      retire(address, end);
    }
  }
}

}  // namespace wgr::slirp::lan
