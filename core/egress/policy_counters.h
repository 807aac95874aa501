// How often the policy refused, by what spoke against it.
//
// Thread: as core/counters.h: one writer, any reader.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/counters.h"
#include "core/egress/policy.h"

namespace wgr::egress {

class PolicyCounters {
 public:
  // Counts a refusal and hands the verdict on.
  Verdict count(const Verdict& verdict) noexcept {
    if (!verdict.is_allowed) denied_[place_of(verdict)].add();
    return verdict;
  }

  // visit("loopback", counter) for every class an address may be refused for, and "port", "self", "user".
  template <typename Visitor>
  void visit(Visitor&& visitor) const {
    constexpr std::array<std::string_view, kCauses> kNames = {"port", "self", "user"};
    for (std::size_t i = 0; i < kCauses; ++i) visitor(kNames[i], denied_[i]);
    for (std::size_t i = 0; i < kAddressClassCount; ++i) {
      visitor(to_string(static_cast<AddressClass>(i)), denied_[kCauses + i]);
    }
  }

 private:
  static constexpr std::size_t kCauses = 3;  // beside the class of the address

  static std::size_t place_of(const Verdict& verdict) noexcept {
    switch (verdict.cause) {
      case Verdict::Cause::kPort:
        return 0;
      case Verdict::Cause::kOwnSocket:
        return 1;
      case Verdict::Cause::kRule:
        return 2;
      case Verdict::Cause::kClass:
        break;
    }
    return kCauses + static_cast<std::size_t>(verdict.address_class);
  }

  std::array<Counter, kCauses + kAddressClassCount> denied_;
};

}  // namespace wgr::egress
