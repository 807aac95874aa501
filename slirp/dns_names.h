// The names that the router answers itself: its own, and those of the stations of its virtual LANs.
//
//   laptop.lan            -> 10.86.1.20          20.1.86.10.in-addr.arpa -> laptop.lan
//   unknown.lan           -> NXDOMAIN            99.1.86.10.in-addr.arpa -> NXDOMAIN
//   example.com           -> somebody else's
//
// Nothing below one of its domains, and no address of one of its networks, is ever asked of an upstream.
// A snapshot: filled once, then shared as const and replaced as a whole.
//
// Thread: immutable once shared; lookups from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/address.h"
#include "core/wire/dns.h"

namespace wgr::slirp {

class DnsNames {
 public:
  static constexpr std::uint32_t kTtlSeconds = 10;  // leases come and go
  // Whether addresses lead back to the name: who walks through a network's addresses learns all such names.
  enum class Reverse : std::uint8_t { kAnswered, kUnknown };

  // "lan". False: it is no domain name, or the root.
  bool add_domain(std::string_view domain);
  // Whose addresses have the names given here or none.
  void add_network(const Prefix& network) { networks_.push_back(network); }
  // A name below a domain or not, with all its addresses but link-local ones, which mean nothing without a
  // zone; of an address the first name that was added is the one it leads back to, if it does. False, and
  // nothing is added: it is no name, or the name is taken. So the router's names come first, and no station
  // can take another's.
  bool add(std::string_view name, const std::vector<IpAddress>& addresses,
           Reverse reverse = Reverse::kAnswered);

  bool empty() const noexcept { return names_.empty() && domains_.empty() && networks_.empty(); }
  // Whether the question is answered here.
  bool owns(const wire::DnsQuestion& question) const;
  // The answer, of at most `limit` bytes. REQUIRES: `question` is the query's, and owns(question).
  std::vector<std::uint8_t> answer(const wire::DnsView& query, const wire::DnsQuestion& question,
                                   std::size_t limit) const;

 private:
  struct Name {
    wire::DnsName name;
    std::vector<IpAddress> addresses;
  };

  bool is_below_a_domain(std::string_view key) const;

  // Keys are names in wire format, in lower case.
  std::unordered_map<std::string, Name> names_;
  std::unordered_set<std::string> domains_;
  std::unordered_map<IpAddress, wire::DnsName> reverse_;
  std::vector<Prefix> networks_;
};

}  // namespace wgr::slirp
