// One direction of a simulated link: latency, jitter, rate, a queue with a limit, an MTU, and faults.
// Deterministic: the same seed and the same input give the same output.
//
//   send(bytes, now) --> [queue, rate] --> [latency + jitter] --> receive(now)
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/rng.h"
#include "core/time.h"

namespace wgr::sim {

struct LinkSettings {
  Duration latency{0};
  Duration jitter{0};  // added uniformly; reorders by itself when larger than the spacing
  double loss = 0;     // each a probability per datagram
  double duplicate = 0;
  double reorder = 0;  // held back by `reorder_delay`
  Duration reorder_delay{std::chrono::milliseconds{5}};
  double corrupt = 0;                 // one random bit flipped
  std::uint64_t bits_per_second = 0;  // 0: no limit
  std::size_t queue_bytes = SIZE_MAX;
  std::size_t mtu = 65535;  // larger ones vanish
};

class Link {
 public:
  explicit Link(LinkSettings settings = {}, std::uint64_t seed = 1) : settings_(settings), rng_(seed) {}

  LinkSettings& settings() { return settings_; }

  void send(Bytes bytes, Instant now) {
    ++sent_;
    if (bytes.size() > settings_.mtu || happens(settings_.loss) || !enqueue(bytes.size(), now)) {
      ++lost_;
      return;
    }
    const int copies = happens(settings_.duplicate) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
      if (!copy.empty() && happens(settings_.corrupt)) {
        copy[rng_.below(copy.size())] ^= static_cast<std::uint8_t>(1u << rng_.below(8));
      }
      in_flight_.emplace(std::pair{arrival(now), order_++}, std::move(copy));
    }
  }

  // The next datagram that has arrived by `now`.
  std::optional<std::vector<std::uint8_t>> receive(Instant now) {
    if (in_flight_.empty() || in_flight_.begin()->first.first > now) return std::nullopt;
    std::vector<std::uint8_t> bytes = std::move(in_flight_.begin()->second);
    in_flight_.erase(in_flight_.begin());
    return bytes;
  }
  Instant next_arrival() const { return in_flight_.empty() ? kNever : in_flight_.begin()->first.first; }

  std::uint64_t sent() const { return sent_; }
  std::uint64_t lost() const { return lost_; }

 private:
  bool happens(double probability) {
    if (probability <= 0) return false;
    return static_cast<double>(rng_.next() >> 11) * 0x1p-53 < probability;
  }

  // Serialization: the line is busy until busy_until_.
  bool enqueue(std::size_t size, Instant now) {
    if (settings_.bits_per_second == 0) return true;
    busy_until_ = std::max(busy_until_, now);
    const auto queued = static_cast<double>((busy_until_ - now).count()) * 1e-9 *
                        static_cast<double>(settings_.bits_per_second) / 8;
    if (queued + static_cast<double>(size) > static_cast<double>(settings_.queue_bytes)) return false;
    busy_until_ += Duration{static_cast<std::int64_t>(static_cast<double>(size) * 8e9 /
                                                      static_cast<double>(settings_.bits_per_second))};
    return true;
  }

  Instant arrival(Instant now) {
    Instant at = std::max(now, settings_.bits_per_second == 0 ? now : busy_until_) + settings_.latency;
    if (settings_.jitter > Duration{0}) {
      at += Duration{
          static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(settings_.jitter.count())))};
    }
    if (happens(settings_.reorder)) at += settings_.reorder_delay;
    return at;
  }

  LinkSettings settings_;
  Rng rng_;
  std::map<std::pair<Instant, std::uint64_t>, std::vector<std::uint8_t>> in_flight_;
  std::uint64_t order_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
  Instant busy_until_{};
};

}  // namespace wgr::sim
