// How much one source may take of the router: connections per second, and connections in each state; and how
// much all sources together. A connection is half open from its acceptance to its end, unless meanwhile it
// becomes a session or is kept alive for further plain requests.
//
// A source is an IPv4 address or an IPv6 /64. A trusted proxy speaks for many: its connections have a bound
// of their own, in whatever state, until they are sessions; those count for the source that it names. Whoever
// has nothing open and a full bucket is forgotten by the calls that follow, a few in each, so that no call
// looks at all of them; when everybody has something, newcomers are refused.
//
// Thread: any; behind a lock. The kernel deals the connections of one source out among the workers, so only
// an object that they share can count them: the exception from the rule that workers share nothing. It is
// asked when a connection comes, goes or changes its state, never for a message, and holds the lock for a few
// looks into a hash table: nothing beside the system calls of an accepted connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "core/address.h"
#include "core/deadline_queue.h"
#include "core/keyed_hash.h"
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
    kTooManyOfProxy,   // of the proxy
    kFull,             // of all sources, or no room to remember this one
  };
  static constexpr std::size_t kMaxSources = 131072;

  explicit SourceLimits(const Limits& limits, std::size_t max_sources = kMaxSources)
      : max_sources_(max_sources), limits_(limits) {}

  // A connection was accepted; kAccepted counts it as half open.
  Verdict connection_accepted(const IpAddress& source, Instant now);
  // It became a session or has ended. REQUIRES: it was counted.
  void half_open_ended(const IpAddress& source);

  // A half-open connection was answered and wants to stay. False if too many do, and it is half open still.
  // REQUIRES: it was counted.
  bool kept_alive_began(const IpAddress& source);
  void kept_alive_ended(const IpAddress& source);  // REQUIRES: it was counted

  // A trusted proxy opened a connection; kAccepted counts it for the proxy.
  Verdict proxy_connection_accepted(const IpAddress& proxy, Instant now);
  void proxy_connection_ended(const IpAddress& proxy);  // or became a session. REQUIRES: it was counted
  // The source behind it begins a session: it has not been asked for its pace yet.
  Verdict handshake_began(const IpAddress& source, Instant now);

  // kAccepted counts it.
  Verdict session_began(const IpAddress& source, Instant now);
  void session_ended(const IpAddress& source);  // REQUIRES: it was counted

  // What was counted until this moment; others go on counting.
  std::size_t sessions_of(const IpAddress& source) const;
  std::size_t connections_of_proxy(const IpAddress& proxy) const;
  std::size_t half_open() const;
  std::size_t kept_alive() const;
  std::size_t sessions() const;
  std::size_t sources() const;

  // For what comes after.
  void set_limits(const Limits& limits);

 private:
  struct Source {
    std::size_t half_open = 0;
    std::size_t kept_alive = 0;
    std::size_t sessions = 0;
    std::size_t of_proxy = 0;  // it is one
    Instant bucket_full_at{};  // of connections per second
    Instant queued = kNever;   // in resting_

    bool is_resting() const noexcept { return half_open + kept_alive + sessions + of_proxy == 0; }
  };
  using Lock = std::lock_guard<std::mutex>;

  // REQUIRES for all below: the lock is held.
  Source* find_or_add(const IpAddress& key, Instant now);
  Source& counted(const IpAddress& key);
  void rest(const IpAddress& key, Source& source);
  void forget_rested(Instant now);
  bool take_token(Source& source, Instant now) const;

  const std::size_t max_sources_;

  mutable std::mutex mutex_;  // guards what follows
  Limits limits_;
  std::unordered_map<IpAddress, Source, KeyedAddressHash> sources_;
  DeadlineQueue<IpAddress> resting_;  // when who has nothing open may be forgotten
  std::size_t half_open_ = 0;
  std::size_t kept_alive_ = 0;
  std::size_t sessions_ = 0;
};

// Where a refusal is counted. REQUIRES: not kAccepted.
void count_refusal(SourceLimits::Verdict why, Counters& counters);

}  // namespace wgr::ws
