#include "cmd/lan_book.h"

#include <algorithm>
#include <utility>

#include "core/log.h"
#include "core/text.h"
#include "slirp/lan/gateway_addresses.h"

namespace wgr {

LanBook::LanBook(const LanConfig& config, const std::string& lease_file) {
  slirp::lan::LeaseFile file;
  if (!lease_file.empty() && !config.networks.empty()) {
    store_.emplace(lease_file);
    file = store_->load();
    for (const std::string& fault : file.faults) log::warn("lease file", {{"reason", fault}});
  }
  for (const LanEntry& entry : config.networks) {
    settings_.push_back({entry.network, file.leases_of(entry.network.name)});
    news_.push_back({static_cast<NetworkIndex>(news_.size()), settings_.back().leases, {}});
  }
}

std::vector<std::string> LanBook::names() const {
  std::vector<std::string> names;
  names.reserve(settings_.size());
  for (const LanSettings& network : settings_) names.push_back(network.config.name);
  return names;
}

std::vector<NetworkRoute> LanBook::routes(std::size_t workers) const {
  std::vector<NetworkRoute> routes;
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    const slirp::lan::NetworkConfig& config = settings_[i].config;
    NetworkRoute route{.home = network_home(static_cast<NetworkIndex>(i), workers),
                       .prefixes = {config.subnet},
                       .mtu = config.mtu,
                       .reach_peers = config.reach_peers};
    if (config.ipv6.prefix) route.prefixes.push_back(*config.ipv6.prefix);
    routes.push_back(std::move(route));
  }
  return routes;
}

std::vector<IpAddress> LanBook::gateways() const {
  std::vector<IpAddress> addresses;
  for (const LanSettings& network : settings_) {
    const std::vector<IpAddress> own = slirp::lan::gateway_addresses(network.config);
    addresses.insert(addresses.end(), own.begin(), own.end());
  }
  return addresses;
}

std::uint16_t LanBook::largest_mtu() const {
  std::uint16_t largest = 0;
  for (const LanSettings& network : settings_) largest = std::max(largest, network.config.mtu);
  return largest;
}

bool LanBook::told(News news) {
  News& known = news_[news.network];
  is_changed_ = is_changed_ || known.leases != news.leases;
  const auto tells_the_same = [](const StationStatus& a, const StationStatus& b) {
    const bool is_as_present = static_cast<bool>(a.session) == static_cast<bool>(b.session);
    return is_as_present && a.guest == b.guest && a.addresses == b.addresses && a.host_name == b.host_name;
  };
  const bool is_same = std::equal(known.stations.begin(), known.stations.end(), news.stations.begin(),
                                  news.stations.end(), tells_the_same);
  known = std::move(news);
  return !is_same;
}

std::shared_ptr<const slirp::DnsNames> LanBook::dns_names() const {
  using Reverse = slirp::DnsNames::Reverse;
  auto names = std::make_shared<slirp::DnsNames>();
  for (const LanSettings& network : settings_) {
    const slirp::lan::NetworkConfig& config = network.config;
    names->add_domain(config.dhcp.domain);
    names->add_network(config.subnet);
    std::vector<IpAddress> gateway = {config.gateway};
    if (const auto v6 = slirp::lan::gateway_v6(config)) gateway.push_back(*v6);
    names->add("gateway." + config.dhcp.domain, gateway);
  }
  for (const auto& [name, owner] : owners_of_names()) {
    if (owner.station == nullptr) continue;
    // Whose stations do not see each other learns no list of them either.
    const bool is_isolated = settings_[owner.network].config.isolate;
    names->add(name, owner.station->addresses, is_isolated ? Reverse::kUnknown : Reverse::kAnswered);
  }
  return names;
}

// Stations choose their names: where networks share a domain, only the configuration decides between them.
std::map<std::string, LanBook::NameOwner> LanBook::owners_of_names() const {
  std::map<std::string, NameOwner> owners;
  for (std::size_t i = 0; i < settings_.size(); ++i) {
    const slirp::lan::DhcpConfig& dhcp = settings_[i].config.dhcp;
    for (const slirp::lan::StaticLease& lease : dhcp.static_leases) {
      if (lease.host_name.empty()) continue;
      NameOwner& owner = owners[to_lower(lease.host_name + "." + dhcp.domain)];
      const bool is_shared = owner.is_configured && owner.network != i;
      owner = {.network = is_shared ? kNoNetwork : static_cast<NetworkIndex>(i), .is_configured = true};
    }
  }
  for (const News& news : news_) {
    for (const StationStatus& station : news.stations) {
      if (station.host_name.empty()) continue;
      const auto [at, is_new] =
          owners.try_emplace(to_lower(station.host_name + "." + settings_[news.network].config.dhcp.domain),
                             NameOwner{.network = news.network});
      NameOwner& owner = at->second;
      if (owner.network == news.network) {
        owner.station = &station;
      } else if (!owner.is_configured) {
        owner = {.network = kNoNetwork};
      }
    }
  }
  return owners;
}

void LanBook::save() {
  if (!is_changed_ || !store_) return;
  std::vector<slirp::lan::NetworkLeases> networks;
  networks.reserve(news_.size());
  for (const News& news : news_) networks.push_back({settings_[news.network].config.name, news.leases});
  std::string fault = store_->save(networks);
  is_changed_ = !fault.empty();
  // It is tried again with every call, and said once.
  if (!fault.empty() && fault != fault_) {
    log::error("leases not saved: the former file stays", {{"reason", fault}});
  }
  fault_ = std::move(fault);
}

}  // namespace wgr
