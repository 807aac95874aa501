// The numbers of the WireGuard protocol (whitepaper 6.1) and those of this implementation.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace wgr::wireguard {

// --- the protocol (whitepaper 6.1) ---
inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60;
inline constexpr std::uint64_t kRejectAfterMessages = ~std::uint64_t{0} - (std::uint64_t{1} << 13);
inline constexpr Duration kRekeyAfterTime = std::chrono::seconds{120};
inline constexpr Duration kRejectAfterTime = std::chrono::seconds{180};
inline constexpr Duration kRekeyAttemptTime = std::chrono::seconds{90};
inline constexpr Duration kRekeyTimeout = std::chrono::seconds{5};
inline constexpr Duration kKeepaliveTimeout = std::chrono::seconds{10};
inline constexpr Duration kCookieSecretLifetime = std::chrono::seconds{120};
inline constexpr std::size_t kPaddingMultiple = 16;

// --- derived from them ---
// A receiving initiator renews the keys this early, so that a silent one still has time to (6.2).
inline constexpr Duration kReceiveRekeyAfterTime = kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;
inline constexpr Duration kEraseKeysAfterTime = 3 * kRejectAfterTime;
inline constexpr Duration kNewHandshakeTimeout = kKeepaliveTimeout + kRekeyTimeout;

// --- this implementation, as the kernel has them ---
inline constexpr Duration kMaxJitter = std::chrono::milliseconds{333};
inline constexpr Duration kCookieLatency = std::chrono::seconds{5};
inline constexpr Duration kInitiationInterval = std::chrono::milliseconds{20};  // per peer, accepted ones
inline constexpr Duration kUnderLoadHold = std::chrono::seconds{1};
// A configured endpoint is looked up again when no handshake has completed for this long.
inline constexpr Duration kEndpointStaleAfter = kRekeyAfterTime + std::chrono::seconds{15};

}  // namespace wgr::wireguard
