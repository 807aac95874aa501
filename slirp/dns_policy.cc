#include "slirp/dns_policy.h"

#include <algorithm>

#include "core/egress/address_class.h"

namespace wgr::slirp {
namespace {

bool leads_inside(const IpAddress& address) noexcept {
  switch (egress::classify(address)) {
    case egress::AddressClass::kUnspecified:
    case egress::AddressClass::kLoopback:
    case egress::AddressClass::kLinkLocal:
    case egress::AddressClass::kMetadata:
    case egress::AddressClass::kPrivate:
    case egress::AddressClass::kCarrierGradeNat:
      return true;
    case egress::AddressClass::kPublic:
    case egress::AddressClass::kMulticast:
    case egress::AddressClass::kReserved:
    case egress::AddressClass::kTransition:
      break;
  }
  return false;
}

std::vector<std::uint8_t> short_reply(const wire::DnsView& to, wire::DnsRcode rcode) {
  std::vector<std::uint8_t> reply(wire::kDnsMaxShortReply);
  reply.resize(wire::write_dns_reply(reply, to, rcode));
  return reply;
}

}  // namespace

std::optional<std::vector<std::uint8_t>> DnsPolicy::answer(const wire::DnsView& query,
                                                           std::size_t limit) const {
  if (!has_names() || query.opcode() != 0) return std::nullopt;
  const Result<wire::DnsQuestion> question = query.question();
  if (!question || !names_->owns(*question)) return std::nullopt;
  counters_.dns_own_answers.add();
  return names_->answer(query, *question, limit);
}

std::optional<std::vector<std::uint8_t>> DnsPolicy::objection(const wire::DnsView& reply) const {
  if (!config_.rebind_protection) return std::nullopt;
  bool is_inside = false;
  const bool is_read = reply.visit_addresses(
      [&is_inside](const IpAddress& address) { is_inside = is_inside || leads_inside(address); });
  if (!is_read) {
    counters_.drops.count(DropReason::kDnsMalformed);
    return short_reply(reply, wire::DnsRcode::kServFail);
  }
  if (!is_inside || is_excepted(reply)) return std::nullopt;
  counters_.drops.count(DropReason::kDnsRebind);
  return short_reply(reply, wire::DnsRcode::kRefused);
}

bool DnsPolicy::is_excepted(const wire::DnsView& reply) const {
  const Result<wire::DnsQuestion> question = reply.question();
  return question && std::ranges::any_of(config_.rebind_exceptions, [&](const wire::DnsName& domain) {
           return question->name.is_within(domain);
         });
}

}  // namespace wgr::slirp
