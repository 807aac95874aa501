// HyStart++ (RFC 9406): leaves slow start before the queue of the path overflows, when the round trips
// of a round grow; a doubtful sign only slows the growth (conservative slow start) until it is confirmed.
//
// Thread: confined to its connection.
#pragma once

#include <cstdint>

#include "core/time.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class HyStart {
 public:
  enum class Phase : std::uint8_t { kSlowStart, kConservative, kDone };

  void restart(SeqNumber next) noexcept;
  // An acknowledgement that advanced to `acknowledged`; `next` is the next byte to be sent. A zero `rtt`
  // is none. The phase afterwards; kDone means that slow start ends now.
  Phase acknowledged(SeqNumber acknowledged, SeqNumber next, Duration rtt) noexcept;
  Phase phase() const noexcept { return phase_; }

  static constexpr std::size_t kConservativeDivisor = 4;  // CSS_GROWTH_DIVISOR

 private:
  void begin_round(SeqNumber next) noexcept;
  void judge() noexcept;

  Duration last_round_minimum_ = Duration::max();
  Duration round_minimum_ = Duration::max();
  Duration conservative_baseline_ = Duration::max();
  SeqNumber round_end_;
  std::uint8_t samples_ = 0;
  std::uint8_t conservative_rounds_ = 0;
  Phase phase_ = Phase::kSlowStart;
};

}  // namespace wgr::slirp::tcp
