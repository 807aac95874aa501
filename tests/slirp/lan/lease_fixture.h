// A lease table with a pool of three addresses.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "slirp/lan/lease_table.h"

namespace wgr::slirp::lan {

using namespace std::chrono_literals;

inline IpAddress ip(std::uint8_t last) { return IpAddress::v4(10, 0, 0, last); }
inline MacAddress mac(std::uint8_t last) { return MacAddress{{2, 0, 0, 0, 0, last}}; }
inline LeaseClient client(std::uint8_t last, std::string id = {}) { return {mac(last), 0, std::move(id)}; }

// Pool 10.0.0.10 to .12; the gateway is .1.
class LeaseTableTest : public testing::Test {
 protected:
  LeaseTableTest() {
    config_.subnet = *Prefix::parse("10.0.0.0/24");
    config_.gateway = ip(1);
    config_.dhcp.first = ip(10);
    config_.dhcp.last = ip(12);
    config_.dhcp.lease_time = 1h;
  }

  LeaseTable& table() {
    if (!table_) table_.emplace(config_, counters_, saved_, wall_, now_);
    return *table_;
  }
  // The address of a full exchange.
  std::optional<IpAddress> lease(const LeaseClient& who, std::optional<IpAddress> wish = {}) {
    const auto offered = table().offer(who, wish, now_);
    if (!offered || !table().confirm(who, *offered, {}, now_)) return std::nullopt;
    return offered;
  }

  NetworkConfig config_;
  Counters counters_;
  std::vector<Lease> saved_;
  WallTime wall_{std::chrono::seconds{1'700'000'000}};
  Instant now_{1s};
  std::optional<LeaseTable> table_;
};

}  // namespace wgr::slirp::lan
