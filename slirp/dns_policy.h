// What DNS messages of guests meet before and after the upstreams: the names the router answers itself, and
// the protection against answers that lead a page of the Internet into somebody's network (DNS rebinding).
//
// Thread: confined to its stack.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/wire/dns.h"
#include "slirp/config.h"
#include "slirp/counters.h"
#include "slirp/dns_names.h"

namespace wgr::slirp {

class DnsPolicy {
 public:
  // Both outlive it.
  DnsPolicy(const DnsConfig& config, Counters& counters) : config_(config), counters_(counters) {}

  void set_names(std::shared_ptr<const DnsNames> names) { names_ = std::move(names); }
  bool has_names() const noexcept { return names_ != nullptr && !names_->empty(); }

  // The router's own answer, of at most `limit` bytes; nullopt: the question is for an upstream.
  std::optional<std::vector<std::uint8_t>> answer(const wire::DnsView& query, std::size_t limit) const;

  // What the guest is told where an upstream's reply must not reach it; nullopt: it may. A reply whose
  // addresses cannot be read is as bad as one with an address inside.
  std::optional<std::vector<std::uint8_t>> objection(const wire::DnsView& reply) const;

 private:
  bool is_excepted(const wire::DnsView& reply) const;

  const DnsConfig& config_;
  Counters& counters_;
  std::shared_ptr<const DnsNames> names_;
};

}  // namespace wgr::slirp
