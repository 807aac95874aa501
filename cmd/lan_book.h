// What the main thread knows of the virtual LANs: their settings for the shards, and, as the workers tell,
// their leases and stations. It keeps the lease file.
//
// Thread: the main thread's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/config.h"
#include "cmd/lan_hub.h"
#include "cmd/lease_store.h"
#include "cmd/routes.h"
#include "slirp/dns_names.h"
#include "slirp/lan/segment.h"

namespace wgr {

class LanBook {
 public:
  using StationStatus = slirp::lan::Segment::StationStatus;
  // Of one network, from its home.
  struct News {
    NetworkIndex network = kNoNetwork;
    std::vector<slirp::lan::Lease> leases;
    std::vector<StationStatus> stations;
  };

  // `lease_file` empty: leases live as long as the process. Reads it; faults go to the log.
  LanBook(const LanConfig& config, const std::string& lease_file);

  // For the shards.
  const std::vector<LanSettings>& settings() const noexcept { return settings_; }
  std::vector<std::string> names() const;
  std::vector<NetworkRoute> routes(std::size_t workers) const;
  std::vector<IpAddress> gateways() const;
  std::uint16_t largest_mtu() const;

  // True when stations, their names or addresses are others than before, or one lost or found its session.
  bool told(News news);
  // Writes the lease file if leases have changed since it was written last.
  void save();

  // What DNS on the gateways answers itself: "gateway" and the stations below each network's domain. Of
  // networks that share a domain, a name is that one's whose static leases give it; one that stations of
  // several say is nobody's. Addresses of an isolated network lead back to no station.
  std::shared_ptr<const slirp::DnsNames> dns_names() const;

  const std::vector<StationStatus>& stations(NetworkIndex network) const { return news_[network].stations; }
  std::size_t size() const noexcept { return settings_.size(); }

 private:
  struct NameOwner {
    NetworkIndex network = kNoNetwork;  // none: several have the name
    bool is_configured = false;
    const StationStatus* station = nullptr;
  };

  std::map<std::string, NameOwner> owners_of_names() const;

  std::vector<LanSettings> settings_;
  std::vector<News> news_;
  std::optional<LeaseStore> store_;
  bool is_changed_ = false;
  std::string fault_;  // of the last save(); empty: none
};

}  // namespace wgr
