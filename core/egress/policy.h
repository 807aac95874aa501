// May this flow leave, and if not, why? One question for every way out: TCP, UDP and ICMP flows,
// DNS upstreams, forwards, health probes.
//
// Order: normalise (an IPv4 address inside IPv6 counts as both), classify, user rules, defaults.
// Loopback, link-local, metadata, private, CGNAT, multicast, reserved and the router's own sockets
// are closed unless a rule opens them; metadata needs its own switch.
//
// Thread: an immutable snapshot (shared_ptr<const Policy>); a reload swaps it by message.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/guest_id.h"

namespace wgr::egress {

enum class Protocol : std::uint8_t { kTcp, kUdp, kIcmp };

// What a destination is before any rule is asked. Names are the labels of policy_denied_total.
enum class AddressClass : std::uint8_t {
  kPublic,
  kUnspecified,
  kLoopback,
  kLinkLocal,
  kMetadata,
  kPrivate,
  kCarrierGradeNat,
  kMulticast,
  kReserved,     // documentation, benchmarking, 240/4, ...
  kTransition,   // NAT64, 6to4, Teredo, ISATAP, mapped or compatible with an IPv4 address that is not public
};
inline constexpr std::size_t kAddressClassCount = 10;

AddressClass classify(const IpAddress& address) noexcept;
std::string_view to_string(AddressClass address_class) noexcept;

// One entry of `egress.allow` or `egress.deny`.
// Text forms: "10.0.0.0/8", "10.0.0.0/8:443", "192.168.1.1:8000-8080", "[fd00::/8]:53/udp",
// "tcp://10.1.2.3:80", or a class name: private, loopback, link-local, cgnat, metadata, multicast, reserved.
struct Rule {
  std::optional<Prefix> prefix;               // unset: any address of `address_class`
  std::optional<AddressClass> address_class;  // unset: any class
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 65535;
  std::optional<Protocol> protocol;           // unset: any

  // nullopt with `error` set to one sentence that names the expected form.
  static std::optional<Rule> parse(std::string_view text, std::string& error);
  std::string to_string() const;
  bool matches(Protocol flow_protocol, const SocketAddress& to, AddressClass to_class) const noexcept;
};

struct RuleSet {
  std::vector<Rule> allow;
  std::vector<Rule> deny;  // wins over allow
};

struct Verdict {
  bool is_allowed = false;
  AddressClass address_class = AddressClass::kPublic;
  // Why not: "deny rule", "private address", "own socket", "port 25", ... for counters and logs.
  std::string_view reason;

  explicit operator bool() const noexcept { return is_allowed; }
};

class Policy {
 public:
  struct Settings {
    RuleSet global;
    std::map<GuestId, RuleSet> per_guest;      // asked before the global rules
    std::vector<SocketAddress> own_sockets;    // listeners; an unspecified ip means every local address
    std::vector<IpAddress> own_addresses;      // local addresses of the host
    bool allow_metadata = false;
  };

  explicit Policy(Settings settings);

  // ICMP: port 0. Pure and cheap: called once per flow, and per datagram for a new remote of a mapping.
  Verdict check(GuestId guest, Protocol protocol, const SocketAddress& to) const noexcept;

 private:
  const Settings settings_;
};

}  // namespace wgr::egress
