// What a bridge gives a host socket and the deadline queue to name one of its flows: the kind of bridge, the
// slot and the generation of the slot. When the flow has gone, the token finds nobody.
//
//   | kind 4 | generation 28 | slot 32 |
//
// Thread: values.
#pragma once

#include <compare>
#include <cstdint>

#include "core/egress/sockets.h"

namespace wgr::slirp {

enum class FlowKind : std::uint8_t { kTcp = 1, kUdp, kIcmp, kDns, kTimeWait, kForward, kForwardedUdp };

class FlowToken {
 public:
  static constexpr std::uint32_t kGenerationMask = (1u << 28) - 1;

  constexpr FlowToken() noexcept = default;
  constexpr FlowToken(FlowKind kind, std::uint32_t generation, std::uint32_t slot) noexcept
      : value_(std::uint64_t{static_cast<std::uint8_t>(kind)} << 60 |
               std::uint64_t{generation & kGenerationMask} << 32 | slot) {}
  static constexpr FlowToken from(egress::SocketToken value) noexcept {
    FlowToken token;
    token.value_ = value;
    return token;
  }

  constexpr egress::SocketToken value() const noexcept { return value_; }
  constexpr FlowKind kind() const noexcept { return static_cast<FlowKind>(value_ >> 60); }
  constexpr std::uint32_t generation() const noexcept {
    return static_cast<std::uint32_t>(value_ >> 32) & kGenerationMask;
  }
  constexpr std::uint32_t slot() const noexcept { return static_cast<std::uint32_t>(value_); }

  friend constexpr auto operator<=>(FlowToken, FlowToken) noexcept = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace wgr::slirp
