// The DHCP server of one virtual LAN (RFC 2131, options RFC 2132, 3397, 3442, 6842).
//
// It is authoritative: a request for an address that the client cannot have is answered NAK, except that a
// client it knows nothing of and which does not ask this server in particular hears nothing. Relay agents
// (giaddr) are refused, and a message must come from the hardware address it speaks of, so that a station
// gets and gives up leases for itself alone. Options beyond the necessary ones are sent when asked for.
//
// It keeps no state: that is the LeaseTable's. BOOTP clients (no option 53) are not served.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/mac_address.h"
#include "core/time.h"
#include "core/wire/dhcp.h"
#include "slirp/lan/config.h"
#include "slirp/lan/counters.h"
#include "slirp/lan/lease_table.h"

namespace wgr::slirp::lan {

class DhcpServer {
 public:
  // A datagram from the gateway, port 67, to port 68.
  struct Reply {
    std::vector<std::uint8_t> message;
    IpAddress to;       // 255.255.255.255, or an address of the client, which it may not have yet
    MacAddress to_mac;  // the client's, or broadcast
  };

  // All outlive the server.
  DhcpServer(const NetworkConfig& config, LeaseTable& leases, Counters& counters);

  // `message`: the payload of a datagram to port 67 in a frame of station (frame_source, clone), from
  // `source`, which may be 0.0.0.0. nullopt: nothing to say; what is wrong was counted.
  std::optional<Reply> receive(Bytes message, const MacAddress& frame_source, std::uint32_t clone,
                               const IpAddress& source, Instant now);

 private:
  struct Request;

  std::optional<Reply> discover(const Request& request, Instant now);
  std::optional<Reply> request(const Request& request, Instant now);
  std::optional<Reply> select(const Request& request, const IpAddress& wanted, Instant now);
  std::optional<Reply> init_reboot(const Request& request, const IpAddress& wanted, Instant now);
  std::optional<Reply> acknowledge(const Request& request, const IpAddress& address, Instant now);
  std::optional<Reply> inform(const Request& request, const IpAddress& source);
  void decline(const Request& request, Instant now);
  void release(const Request& request, Instant now);
  LeaseClient owner_or_self(const Request& request, const IpAddress& address) const;
  std::string_view fixed_name(const Request& request) const;  // configured for the MAC; may be empty
  // True also when the message names no server.
  bool is_for_us(const Request& request) const;

  wire::DhcpWriter start(const Request& request, wire::DhcpType type, const IpAddress& yiaddr) const;
  Reply make_grant(const Request& request, wire::DhcpType type, const IpAddress& address) const;
  Reply make_nak(const Request& request) const;
  void write_lease_times(wire::DhcpWriter& writer, const Request& request) const;
  void write_parameters(wire::DhcpWriter& writer, const Request& request) const;

  const NetworkConfig& config_;
  LeaseTable& leases_;
  Counters& counters_;
};

}  // namespace wgr::slirp::lan
