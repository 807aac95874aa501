// One entry of `egress.allow` or `egress.deny`.
//
//   [PROTOCOL://] TARGET [:PORT | :FIRST-LAST] [/PROTOCOL]
//
//   10.0.0.0/8   10.0.0.0/8:443   192.168.1.1:8000-8080   [fd00::/8]:53/udp   fd00::/8
//   tcp://10.1.2.3:80   private   private:443/tcp   any:25/tcp
//
// TARGET is an address, a prefix (in brackets when an IPv6 one is followed by a port), "any", or a
// class: public, private, loopback, link-local, cgnat, metadata, multicast, reserved, transition,
// unspecified. PROTOCOL is tcp, udp or icmp. A rule with ports never speaks of ICMP.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/egress/address_class.h"

namespace wgr::egress {

enum class Protocol : std::uint8_t { kTcp, kUdp, kIcmp };

std::string_view to_string(Protocol protocol) noexcept;

struct Rule {
  std::optional<Prefix> prefix;               // unset: any address of `address_class`
  std::optional<AddressClass> address_class;  // unset: any class
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 65535;
  std::optional<Protocol> protocol;  // unset: any

  // nullopt with `error` set to one sentence that quotes the text and names the expected form.
  static std::optional<Rule> parse(std::string_view text, std::string& error);
  // Parses back to the same rule.
  std::string to_string() const;
  bool matches(Protocol flow_protocol, const SocketAddress& to, AddressClass to_class) const noexcept;
  bool has_ports() const noexcept { return first_port != 0 || last_port != 65535; }

  friend bool operator==(const Rule&, const Rule&) = default;
};

struct RuleSet {
  std::vector<Rule> allow;
  std::vector<Rule> deny;  // wins over allow

  friend bool operator==(const RuleSet&, const RuleSet&) = default;
};

}  // namespace wgr::egress
