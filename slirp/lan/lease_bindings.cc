// The upkeep of LeaseTable: one binding at a time, with its entries in the indices.
#include <algorithm>
#include <cassert>

#include "slirp/lan/lease_table.h"

namespace wgr::slirp::lan {
namespace {

constexpr Duration kInfiniteLease = std::chrono::seconds{0xffffffff};  // RFC 2131 3.3
constexpr int kRankRemembered = 0;
constexpr int kRankGone = 1;
constexpr std::size_t kMaxLook = 64;  // stations whose several addresses may all be none of the pool

}  // namespace

bool LeaseTable::is_host(std::uint32_t address) const {
  return address > network_ && address < broadcast_ && address != config_.gateway.to_v4();
}

bool LeaseTable::is_dynamic(std::uint32_t address) const {
  return is_host(address) && address >= first_ && address <= last_ && !static_by_address_.contains(address);
}

bool LeaseTable::may_have(const MacAddress& mac, std::uint32_t address) const {
  if (!is_host(address)) return false;
  const auto fixed = static_by_address_.find(address);
  return fixed == static_by_address_.end() || fixed->second == mac;
}

bool LeaseTable::may_lease(const MacAddress& mac, std::uint32_t address) const {
  return may_have(mac, address) && (is_dynamic(address) || static_address(mac) == address);
}

bool LeaseTable::may_adopt(const Binding& binding, const LeaseClient& client) {
  if (binding.client.mac != client.mac) return false;
  return binding.is_restored || (binding.is_claimed && binding.client.clone == client.clone);
}

bool LeaseTable::is_full(const std::vector<std::uint32_t>& station) const {
  return station.size() >= std::max<std::size_t>(config_.dhcp.leases_per_session, 1);
}

std::optional<std::uint32_t> LeaseTable::static_address(const MacAddress& mac) const {
  const auto found = static_by_mac_.find(mac);
  return found == static_by_mac_.end() ? std::nullopt : std::optional{found->second};
}

LeaseTable::Binding* LeaseTable::at(std::uint32_t address) {
  const Bindings::iterator found = bindings_.find(address);
  return found == bindings_.end() ? nullptr : &found->second;
}

const LeaseTable::Binding* LeaseTable::at(std::uint32_t address) const {
  const Bindings::const_iterator found = bindings_.find(address);
  return found == bindings_.end() ? nullptr : &found->second;
}

const LeaseTable::Binding* LeaseTable::at(const IpAddress& address) const {
  return address.is_v4() ? at(address.to_v4()) : nullptr;
}

std::optional<std::uint32_t> LeaseTable::address_of(const LeaseClient& client) const {
  const auto station = stations_.find({client.mac, client.clone});
  if (station == stations_.end()) return std::nullopt;
  std::optional<std::uint32_t> claimed;
  for (const std::uint32_t address : station->second) {
    const Binding& binding = *at(address);
    if (binding.state == State::kQuarantined) continue;
    if (binding.is_claimed) {
      claimed = address;
    } else if (binding.client == client) {
      return address;
    }
  }
  return claimed;
}

bool LeaseTable::reclaim_one() {
  if (!reclaimable_.empty()) {
    forget(std::get<2>(*reclaimable_.begin()));
    return true;
  }
  const std::optional<std::uint32_t> spare = spare_address();
  if (spare) forget(*spare);
  return spare.has_value();
}

std::optional<std::uint32_t> LeaseTable::spare_address() const {
  std::size_t looked = 0;
  for (auto crowded = crowded_.rbegin(); crowded != crowded_.rend() && looked < kMaxLook; ++crowded) {
    ++looked;
    std::vector<std::uint32_t> spares = stations_.at(crowded->second);
    // It keeps the lease that it used last.
    const auto is_leased = [this](std::uint32_t address) { return at(address)->state == State::kLeased; };
    const auto kept = std::find_if(spares.rbegin(), spares.rend(), is_leased);
    if (kept != spares.rend()) spares.erase(std::next(kept).base());
    std::erase_if(spares, [this](std::uint32_t address) { return !is_dynamic(address); });
    if (!spares.empty()) return least_useful(spares);
  }
  return std::nullopt;
}

// Of those of one station, and of equal ones the least recently used.
std::uint32_t LeaseTable::least_useful(const std::vector<std::uint32_t>& addresses) const {
  return *std::ranges::min_element(addresses, {}, [this](std::uint32_t address) {
    const State state = at(address)->state;
    if (state == State::kRemembered) return 0;
    if (state == State::kOffered) return 1;
    return state == State::kLeased ? 2 : 3;
  });
}

bool LeaseTable::make_room_for(const Station& station) {
  const auto found = stations_.find(station);
  if (found != stations_.end() && is_full(found->second)) forget(least_useful(found->second));
  return bindings_.size() < kMaxBindings || reclaim_one();
}

void LeaseTable::bind(std::uint32_t address, const LeaseClient& client, State state, Instant until) {
  free_.take(address);
  Binding& binding = bindings_[address];
  binding.client = client;
  binding.state = state;
  binding.until = until;
  join({client.mac, client.clone}, address);
  index(address, binding);
}

void LeaseTable::adopt(std::uint32_t address, const LeaseClient& client) {
  const Station from{at(address)->client.mac, at(address)->client.clone};
  const Station to{client.mac, client.clone};
  if (from != to) {
    const auto station = stations_.find(to);
    if (station != stations_.end() && is_full(station->second)) make_room_for(to);
    leave(from, address);
    join(to, address);
  }
  Binding& binding = *at(address);
  binding.client = client;
  binding.is_restored = false;
  is_changed_ = true;
}

void LeaseTable::lease(std::uint32_t address, Instant now) {
  Binding& binding = *at(address);
  const Station station{binding.client.mac, binding.client.clone};
  const Duration time = config_.dhcp.lease_time;
  const bool is_endless = time >= kInfiniteLease || time >= kNever - now;
  set_state(address, binding, State::kLeased, is_endless ? kNever : now + time);
  binding.was_leased = true;
  binding.is_restored = false;
  is_changed_ = true;
  touch(station, address);
  set_present(station, true, now);
}

void LeaseTable::set_state(std::uint32_t address, Binding& binding, State state, Instant until) {
  unindex(address, binding);
  binding.state = state;
  binding.until = until;
  index(address, binding);
}

void LeaseTable::retire(std::uint32_t address, Instant now) {
  Binding& binding = *at(address);
  if (!binding.was_leased || binding.is_claimed || !is_dynamic(address)) return forget(address);
  if (binding.state == State::kLeased) {
    ended_.push_back({IpAddress::v4(address), binding.client.mac, binding.client.clone});
    is_changed_ = true;
  }
  set_state(address, binding, State::kRemembered, now);
}

void LeaseTable::forget(std::uint32_t address) {
  const Binding& binding = *at(address);
  if (binding.state == State::kLeased) {
    ended_.push_back({IpAddress::v4(address), binding.client.mac, binding.client.clone});
  }
  is_changed_ = is_changed_ || binding.was_leased;
  unindex(address, binding);
  leave({binding.client.mac, binding.client.clone}, address);
  bindings_.erase(address);
  if (is_dynamic(address)) free_.give_back(address);
}

void LeaseTable::set_present(const Station& station, bool is_present, Instant now) {
  const auto found = stations_.find(station);
  if (found == stations_.end()) return;
  for (const std::uint32_t address : found->second) {
    Binding& binding = *at(address);
    if (binding.is_present == is_present) continue;
    unindex(address, binding);
    binding.is_present = is_present;
    binding.gone_since = now;
    index(address, binding);
  }
}

void LeaseTable::touch(const Station& station, std::uint32_t address) {
  std::vector<std::uint32_t>& addresses = stations_[station];
  const auto found = std::ranges::find(addresses, address);
  assert(found != addresses.end());
  std::rotate(found, found + 1, addresses.end());
}

void LeaseTable::join(const Station& station, std::uint32_t address) {
  std::vector<std::uint32_t>& addresses = stations_[station];
  addresses.push_back(address);
  recount(station, addresses.size() - 1, addresses.size());
}

void LeaseTable::leave(const Station& station, std::uint32_t address) {
  const auto found = stations_.find(station);
  assert(found != stations_.end());
  const std::size_t former = found->second.size();
  std::erase(found->second, address);
  recount(station, former, found->second.size());
  if (found->second.empty()) stations_.erase(found);
}

void LeaseTable::recount(const Station& station, std::size_t former, std::size_t count) {
  if (former > 1) crowded_.erase({former, station});
  if (count > 1) crowded_.emplace(count, station);
}

void LeaseTable::index(std::uint32_t address, const Binding& binding) {
  if (binding.state == State::kLeased) counters_.leases.add();
  if (binding.state != State::kRemembered && binding.until != kNever) {
    deadlines_.emplace(binding.until, address);
  }
  if (!is_dynamic(address)) return;
  if (binding.state == State::kRemembered) reclaimable_.emplace(kRankRemembered, binding.until, address);
  if (binding.state == State::kLeased && !binding.is_present) {
    reclaimable_.emplace(kRankGone, binding.gone_since, address);
  }
}

void LeaseTable::unindex(std::uint32_t address, const Binding& binding) {
  if (binding.state == State::kLeased) counters_.leases.subtract();
  deadlines_.erase({binding.until, address});
  reclaimable_.erase({kRankRemembered, binding.until, address});
  reclaimable_.erase({kRankGone, binding.gone_since, address});
}

}  // namespace wgr::slirp::lan
