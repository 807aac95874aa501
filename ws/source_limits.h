// How much one source may take of the server: connections per second, and connections in each state; and how
// much all sources together. A connection is half open from its acceptance to its end, unless meanwhile it
// becomes a session or is kept alive for further plain requests.
//
// A source is an IPv4 address or an IPv6 /64. The table is bounded: whoever has nothing open and a full
// bucket is forgotten, and when everybody has something, newcomers are refused.
//
// Thread: confined to its worker; each worker counts what it accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/address.h"
#include "core/time.h"
#include "ws/config.h"
#include "ws/counters.h"

namespace wgr::ws {

class SourceLimits {
 public:
  enum class Verdict : std::uint8_t {
    kAccepted,
    kTooFast,          // the source opens connections too quickly
    kTooManyHalfOpen,  // of the source
    kTooManySessions,  // likewise
    kFull,             // of all sources, or no room to remember this one
  };

  explicit SourceLimits(const Limits& limits, std::size_t max_sources = 65536)
      : limits_(limits), max_sources_(max_sources) {}

  // A connection was accepted; kAccepted counts it as half open.
  Verdict connection_accepted(const IpAddress& source, Instant now);
  // It became a session or has ended. REQUIRES: it was counted.
  void half_open_ended(const IpAddress& source);

  // A half-open connection was answered and wants to stay. False if too many do, and it is half open still.
  // REQUIRES: it was counted.
  bool kept_alive_began(const IpAddress& source);
  void kept_alive_ended(const IpAddress& source);  // REQUIRES: it was counted

  // A source behind a trusted proxy, whose connections are counted for nobody, begins a session.
  Verdict handshake_began(const IpAddress& source, Instant now);

  // kAccepted counts it.
  Verdict session_began(const IpAddress& source, Instant now);
  void session_ended(const IpAddress& source);  // REQUIRES: it was counted

  std::size_t sessions_of(const IpAddress& source) const;
  std::size_t half_open() const noexcept { return half_open_; }
  std::size_t kept_alive() const noexcept { return kept_alive_; }
  std::size_t sessions() const noexcept { return sessions_; }
  std::size_t sources() const noexcept { return sources_.size(); }

  // For what comes after.
  void set_limits(const Limits& limits) { limits_ = limits; }

 private:
  struct Source {
    std::size_t half_open = 0;
    std::size_t kept_alive = 0;
    std::size_t sessions = 0;
    Instant bucket_full_at{};  // of connections per second
  };

  Source* find_or_add(const IpAddress& source, Instant now);
  void forget_idle(Instant now);
  bool take_token(Source& source, Instant now) const;

  Limits limits_;
  const std::size_t max_sources_;
  std::unordered_map<IpAddress, Source> sources_;
  std::size_t forget_at_ = 1024;  // sources
  Instant may_forget_at_{};
  std::size_t half_open_ = 0;
  std::size_t kept_alive_ = 0;
  std::size_t sessions_ = 0;
};

// Where a refusal is counted. REQUIRES: not kAccepted.
void count_refusal(SourceLimits::Verdict why, Counters& counters);

}  // namespace wgr::ws
