// StationTable: which addresses a station may use.
#include <algorithm>

#include "slirp/lan/gateway_addresses.h"
#include "slirp/lan/station_table.h"

namespace wgr::slirp::lan {

bool StationTable::may_use_v4(Station& station, const IpAddress& source, Instant now) {
  const auto known = std::ranges::find(station.v4, source);
  if (known != station.v4.end()) {
    std::iter_swap(known, station.v4.begin());
    return true;
  }
  if (!config_.subnet.contains(source) || source == config_.gateway) return false;
  const bool is_own = leases_.claim(station.mac, station.clone, source, now);
  take_ended_leases();
  if (!is_own) {
    const LeaseClient* const owner = config_.isolate ? leases_.owner_of(source) : nullptr;
    if (owner == nullptr || owner->mac != station.mac) return false;
  }
  // Its own are bounded by the lease table; those of its image come and go with the image.
  if (station.v4.size() >= std::max<std::size_t>(config_.dhcp.leases_per_session, 1)) station.v4.pop_back();
  station.v4.insert(station.v4.begin(), source);
  is_changed_ = true;
  if (is_own) learn_name(station, source);
  return true;
}

void StationTable::take_ended_leases() {
  for (const LeaseTable::Ended& ended : leases_.take_ended()) {
    is_changed_ = true;
    const auto same_mac = by_mac_.find(ended.mac);
    if (same_mac == by_mac_.end()) continue;
    // Of the clones too: who gets the address next may be somebody else.
    for (Station* const station : same_mac->second) std::erase(station->v4, ended.address);
  }
}

bool StationTable::is_of_network_v6(const IpAddress& address) const {
  if (address.is_multicast() || is_gateway(config_, address)) return false;
  return address.is_link_local() || (config_.ipv6.prefix && config_.ipv6.prefix->contains(address));
}

bool StationTable::may_use_v6(Station& station, const IpAddress& source, Instant now) {
  for (Station::Learned& learned : station.v6) {
    if (learned.address != source) continue;
    learned.used = now;
    return true;
  }
  if (!is_of_network_v6(source)) return false;
  const auto owner = by_v6_.find(source);
  if (owner != by_v6_.end()) {
    const bool is_image = config_.isolate && owner->second->mac == station.mac;
    if (!is_image) return false;
  }
  learn_v6(station, source, now);
  return true;
}

void StationTable::learn_v6(Station& station, const IpAddress& address, Instant now) {
  if (station.v6.size() >= kMaxAddressesV6) {
    const auto oldest = std::ranges::min_element(station.v6, {}, &Station::Learned::used);
    unlearn_v6(station, oldest->address);
    station.v6.erase(oldest);
  }
  station.v6.push_back({address, now});
  is_changed_ = true;
  by_v6_.try_emplace(address, &station);
}

void StationTable::unlearn_v6(const Station& station, const IpAddress& address) {
  const auto owner = by_v6_.find(address);
  if (owner == by_v6_.end() || owner->second != &station) return;
  by_v6_.erase(owner);
  // A clone that shares the address has it from here on.
  const auto same_mac = by_mac_.find(station.mac);
  if (same_mac == by_mac_.end()) return;
  for (Station* const clone : same_mac->second) {
    if (clone == &station) continue;
    if (std::ranges::find(clone->v6, address, &Station::Learned::address) == clone->v6.end()) continue;
    by_v6_.emplace(address, clone);
    return;
  }
}

Station* StationTable::owner_of(const IpAddress& address) {
  if (address.is_v6()) {
    const auto owner = by_v6_.find(address);
    return owner == by_v6_.end() ? nullptr : owner->second;
  }
  const LeaseClient* const client = leases_.owner_of(address);
  if (client == nullptr) return nullptr;
  if (Station* const station = find(client->mac, client->clone)) return station;
  // Of a machine that was forgotten while its clones go on.
  const auto same_mac = by_mac_.find(client->mac);
  if (same_mac == by_mac_.end()) return nullptr;
  const auto clone = std::ranges::find_if(same_mac->second, [&](const Station* station) {
    return std::ranges::find(station->v4, address) != station->v4.end();
  });
  return clone == same_mac->second.end() ? nullptr : *clone;
}

std::vector<IpAddress> StationTable::addresses_of(const Station& station) const {
  std::vector<IpAddress> addresses = leases_.addresses_of(station.mac, station.clone);
  for (const IpAddress& address : station.v4) {
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  for (const Station::Learned& learned : station.v6) addresses.push_back(learned.address);
  return addresses;
}

}  // namespace wgr::slirp::lan
