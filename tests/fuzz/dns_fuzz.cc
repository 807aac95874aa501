// Any bytes as a DNS message. A question that was read must come back in the reply made to it.
#include <cstdlib>
#include <string>
#include <vector>

#include "core/wire/dns.h"
#include "slirp/dns_policy.h"

namespace wgr::wire {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

// What is said without an upstream can be read and says no more than it may.
void fuzz_answers(const DnsView& message) {
  slirp::DnsNames names;
  names.add_domain("lan");
  names.add_network(*Prefix::parse("10.0.0.0/8"));
  names.add("a.lan", {IpAddress::v4(10, 0, 0, 1), *IpAddress::parse("fd00::1")});
  const auto question = message.question();
  if (question && names.owns(*question)) {
    const auto answer = names.answer(message, *question, kDnsClassicUdpSize);
    const auto view = DnsView::parse(answer);
    require(view && answer.size() <= kDnsClassicUdpSize && view->visit_addresses([](const IpAddress&) {}));
    require(*view->question() == *question && view->has_edns() == message.has_edns());
  }
  if (question) {
    const auto again = DnsName::parse(question->name.to_string());
    const bool is_plain = question->name.to_string().find('\\') == std::string::npos;
    require(!is_plain || (again && *again == question->name));
  }
  slirp::DnsConfig config;
  config.rebind_protection = true;
  slirp::Counters counters;
  const slirp::DnsPolicy policy{config, counters};
  const auto objection = policy.objection(message);
  if (objection) require(DnsView::parse(*objection)->answer_count() == 0);
}

void fuzz_dns(Bytes message) {
  const auto query = DnsView::parse(message);
  if (!query) return;
  const auto question = query->question();
  require(query->udp_reply_limit() >= kDnsClassicUdpSize);
  if (question) {
    require(question->name.wire().size() <= kDnsMaxName && question->name.wire().back() == 0);
    require(question->name == question->name && question->name.equals_ignoring_case(question->name));
    require(!question->name.to_string().empty());
  }
  std::vector<std::uint8_t> reply(kDnsMaxShortReply);
  const std::size_t size = write_dns_reply(reply, *query, DnsRcode::kServFail, DnsTruncation::kTruncated);
  require(size <= kDnsMaxShortReply);
  reply.resize(size);
  const auto view = DnsView::parse(reply);
  require(view && view->is_response() && view->is_truncated() && view->id() == query->id());
  require(view->has_edns() == query->has_edns());
  require(view->question().has_value() == question.has_value());
  if (question) require(*view->question() == *question);
  require(view->answers(*query) == (question.has_value() && !query->is_response()));

  fuzz_answers(*query);

  // A name anywhere, as an answer would have it.
  for (std::size_t offset = 0; offset < message.size() && offset < 64; ++offset) {
    const auto read = DnsName::read(message, offset);
    if (read) require(read->end > offset && read->end <= message.size());
  }
}

}  // namespace
}  // namespace wgr::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<std::uint8_t> message(data, data + size);
  wgr::wire::fuzz_dns(message);
  return 0;
}
