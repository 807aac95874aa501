// May this flow leave, and if not, why? One question for every way out: TCP, UDP and ICMP flows,
// DNS upstreams, forwards, health probes.
//
// Asked in this order; the first answer counts:
//   1. port 0 and the router's own sockets: never.
//   2. the rules of the guest, then the global ones; within a set deny wins over allow. A deny rule
//      also speaks of the IPv4 address inside an IPv6 one, an allow rule only of what is written.
//      No prefix, not even 0.0.0.0/0, opens a metadata address: that takes the class `metadata`
//      by name, or `allow_metadata`.
//   3. by class: public may leave, everything else may not.
// Every port but 0 is open: mail (25) is for a deny rule, "any:25/tcp".
//
// Thread: an immutable snapshot (shared_ptr<const Policy>); a reload swaps it by message.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/egress/address_class.h"
#include "core/egress/rule.h"
#include "core/guest_id.h"

namespace wgr::egress {

struct Verdict {
  // What refused; meaningless when allowed.
  enum class Cause : std::uint8_t { kClass, kPort, kOwnSocket, kRule };

  bool is_allowed = false;
  AddressClass address_class = AddressClass::kPublic;
  // Why not, for counters and logs: "port 0", "own socket", "deny rule", or the class with " address",
  // such as "private address". Empty when allowed.
  std::string_view reason;
  Cause cause = Cause::kClass;

  explicit operator bool() const noexcept { return is_allowed; }
};

class Policy {
 public:
  struct Settings {
    RuleSet global;
    std::map<GuestId, RuleSet> per_guest;     // asked first
    std::map<GuestGroup, RuleSet> per_group;  // asked next, then the global rules
    std::vector<SocketAddress> own_sockets;   // listeners; an unspecified ip means every local address
    std::vector<IpAddress> own_addresses;     // local addresses of the host, and its public one behind a NAT
    bool allow_metadata = false;
  };

  explicit Policy(Settings settings);

  // ICMP: port 0. Pure and cheap: called once per flow, and per datagram for a new remote of a mapping.
  Verdict check(GuestId guest, Protocol protocol, const SocketAddress& to) const noexcept;

 private:
  bool is_own_socket(const SocketAddress& to) const noexcept;

  const Settings settings_;  // own_addresses sorted, own_sockets by port
};

}  // namespace wgr::egress
