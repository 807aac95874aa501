// Settings of one virtual LAN: constant after start unless a comment says otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/mac_address.h"
#include "core/time.h"

namespace wgr::slirp::lan {

struct StaticLease {
  MacAddress mac;
  IpAddress address;      // IPv4, of the subnet
  std::string host_name;  // empty: what the station says
};

struct DhcpConfig {
  bool enabled = true;
  // Dynamic addresses, both included; unspecified: the subnet without network, broadcast and gateway.
  IpAddress first;
  IpAddress last;
  Duration lease_time = std::chrono::hours{24};  // 0xffffffff seconds and more: for ever
  Duration offer_time = std::chrono::seconds{60};
  Duration decline_time = std::chrono::minutes{10};  // an address somebody else seems to use
  std::string domain = "lan";                        // option 15 and 119; also of the stations' names
  std::vector<IpAddress> name_servers;               // option 6; empty: the gateway
  std::vector<StaticLease> static_leases;
  std::size_t leases_per_session = 2;
};

struct Ipv6Config {
  std::optional<Prefix> prefix;                 // a /64; none: no router advertisements
  Duration interval = std::chrono::minutes{3};  // between unasked advertisements, spread by a quarter
  Duration router_lifetime = std::chrono::minutes{30};
  Duration prefix_lifetime = std::chrono::hours{24};
};

struct PaceConfig {
  // For a small receive ring (ne2k: 8 full frames): frames that leave at once, then one per interval.
  std::size_t burst_frames = 6;
  Duration interval = std::chrono::milliseconds{4};
  std::size_t queue_frames = 256;  // beyond: the oldest give way
};

struct NetworkConfig {
  std::string name = "default";
  Prefix subnet;                  // IPv4, at most a /30
  IpAddress gateway;              // the router's address in it
  MacAddress gateway_mac;         // locally administered; the same over restarts
  std::uint16_t mtu = 1420;       // of what we send to stations and tell them (option 26, RA)
  std::size_t max_frame = 65553;  // received: 14 + 4 + 65535
  bool isolate = true;            // false: a switch between the stations
  bool reach_peers = false;       // packets to and from WireGuard peers and other networks pass
  std::size_t max_stations = 4096;
  std::size_t macs_per_session = 1;                  // a bridge behind a session needs more
  Duration detached_time = std::chrono::minutes{5};  // a station without its session keeps flows and address
  Duration silence_for_takeover = std::chrono::seconds{45};
  std::uint32_t arp_per_second = 50;         // answers per station
  std::uint32_t broadcast_per_second = 100;  // frames of one station to all others of a switch
  DhcpConfig dhcp;
  Ipv6Config ipv6;
  PaceConfig pace;
};

}  // namespace wgr::slirp::lan
