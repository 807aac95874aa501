// When a peer is dialed, given up and dialed again, and which datagrams wait meanwhile.
//
//   kWaiting --due--> kTrying --opened--> kOpen
//       ^                |                  |
//       +--- failed, timed out, or lost ----+
//
// Each failure doubles the wait from 1 s to 60 s, give or take a quarter so that many dialers do not
// come at once; a connection that held for a while starts over at 1 s.
//
// Thread: confined to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"
#include "core/rng.h"
#include "core/time.h"

namespace wgr::ws::wireguard {

inline constexpr Duration kFirstWait = std::chrono::seconds{1};
inline constexpr Duration kLongestWait = std::chrono::seconds{60};
inline constexpr Duration kAttemptTime = std::chrono::seconds{15};  // from the name to the upgrade
inline constexpr Duration kStableAfter = std::chrono::seconds{30};

// A handshake waits for the connection; what is older has been sent again meanwhile.
inline constexpr std::size_t kMaxHeldDatagrams = 16;
inline constexpr Duration kHeldFor = std::chrono::seconds{5};  // WireGuard's Rekey-Timeout

class DialPlan {
 public:
  enum class State : std::uint8_t { kWaiting, kTrying, kOpen };
  enum class Due : std::uint8_t {
    kNothing,
    kTry,     // it is kTrying: resolve and connect
    kGiveUp,  // the attempt took too long; it is kWaiting again
  };

  // The first try is due at once. `rng` outlives this object.
  DialPlan(Rng& rng, Instant now) : rng_(rng), deadline_(now) {}

  State state() const noexcept { return state_; }
  Instant next_deadline() const noexcept { return deadline_; }
  Due on_deadline(Instant now);

  void opened(Instant now);
  // The attempt failed or the connection is gone. Ignored while waiting.
  void ended(Instant now);

  // Keeps a copy until the connection is open; the oldest gives way. Returns whether one was dropped.
  bool hold(Bytes datagram, Instant now);
  std::size_t held() const noexcept { return held_.size(); }
  // Those that are still worth sending, oldest first; nothing is held afterwards.
  std::vector<std::vector<std::uint8_t>> take_held(Instant now);

 private:
  struct Held {
    Instant since;
    std::vector<std::uint8_t> datagram;
  };

  Rng& rng_;
  State state_ = State::kWaiting;
  Instant deadline_;
  Instant opened_at_{};
  Duration wait_ = kFirstWait;
  std::vector<Held> held_;
};

}  // namespace wgr::ws::wireguard
