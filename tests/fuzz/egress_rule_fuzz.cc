// The rule parser on any text, and classification and the policy on any address. The first byte
// chooses; a rule that was read must be written back to itself.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/egress/policy.h"

namespace wgr::egress {
namespace {

void require(bool claim) {
  if (!claim) std::abort();
}

void fuzz_rule(std::string_view text) {
  std::string error;
  const auto rule = Rule::parse(text, error);
  require(rule.has_value() == error.empty());
  if (rule) require(Rule::parse(rule->to_string(), error) == rule);
}

void fuzz_address(Bytes bytes) {
  const SocketAddress to{IpAddress::from_bytes(bytes), 443};
  const AddressClass address_class = classify(to.ip);
  for (Protocol protocol : {Protocol::kTcp, Protocol::kUdp, Protocol::kIcmp}) {
    const Verdict verdict = Policy{{}}.check(GuestId{0, 1}, protocol, to);
    require(verdict.address_class == address_class);
    require(verdict.is_allowed == (address_class == AddressClass::kPublic));
    require(verdict.is_allowed == verdict.reason.empty());
  }
  const EmbeddedAddresses embedded{to.ip};
  for (const IpAddress& v4 : embedded.all()) {
    require(address_class != AddressClass::kPublic || classify(v4) == AddressClass::kPublic);
    require(classify(v4) != AddressClass::kMetadata || address_class == AddressClass::kMetadata);
  }
}

}  // namespace
}  // namespace wgr::egress

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const wgr::Bytes rest{data + 1, size - 1};
  if (data[0] % 2 == 0) {
    wgr::egress::fuzz_rule({reinterpret_cast<const char*>(rest.data()), rest.size()});
  } else if (rest.size() == 4 || rest.size() == 16) {
    wgr::egress::fuzz_address(rest);
  }
  return 0;
}
