// Two ends of TCP at simulated time: a guest that opens actively and a router that opens passively, joined by
// a Link each way.
#pragma once

#include <algorithm>
#include <functional>

#include "core/address.h"
#include "tests/sim/link.h"
#include "tests/sim/tcp_end.h"

namespace wgr::sim {

struct PairSettings {
  slirp::Config guest;
  slirp::Config router;
  LinkSettings up;  // guest to router
  LinkSettings down;
  bool is_v6 = false;
  std::uint64_t seed = 1;
  std::uint32_t guest_sequence = 0xfffffff0;  // wraps at once
  std::uint32_t router_sequence = 0xffff0000;
};

class TcpPair {
 public:
  explicit TcpPair(const PairSettings& settings)
      : guest(settings.guest, key(settings.is_v6, /*is_guest=*/true), 1, 2),
        router(settings.router, key(settings.is_v6, /*is_guest=*/false), 2, 1),
        up(settings.up, settings.seed * 2 + 1),
        down(settings.down, settings.seed * 2 + 2),
        settings_(settings) {
    router.passive_initial = {settings.router_sequence, 0xfffffe00};
  }

  void start() {
    guest.connect({settings_.guest_sequence, 0x7ffffff0}, now);
    guest.flush(up, now);
  }

  // One instant at which something happens. False when nothing ever will.
  bool step() {
    const Instant next = std::min(
        {up.next_arrival(), down.next_arrival(), guest.next_deadline(now), router.next_deadline(now)});
    if (next == kNever) return false;
    if (next == now && ++steps_at_now_ > 10000) return stuck = true, false;
    if (next > now) steps_at_now_ = 0;
    now = std::max(now, next);
    if (guest.next_deadline(now) <= now) guest.on_deadline(now);
    if (router.next_deadline(now) <= now) router.on_deadline(now);
    guest.receive(down, now);
    router.receive(up, now);
    guest.run_application(now);
    router.run_application(now);
    guest.flush(up, now);
    router.flush(down, now);
    return true;
  }

  // Until `done` or the time is over; whether `done` came true.
  bool run_until(const std::function<bool()>& done, Duration most) {
    const Instant end = now + most;
    while (!done()) {
      const Instant next = std::min(
          {up.next_arrival(), down.next_arrival(), guest.next_deadline(now), router.next_deadline(now)});
      if (next > end) {
        now = end;
        return done();
      }
      if (!step()) return done();
    }
    return true;
  }
  bool run_for(Duration time) {
    return run_until([] { return false; }, time);
  }

  bool is_transfer_complete() const {
    return guest.received == router.application.to_send && router.received == guest.application.to_send;
  }
  bool is_intact() const { return guest.corrupted_streams == 0 && router.corrupted_streams == 0; }
  bool is_closed() const {
    const auto over = [](State state) { return state == State::kClosed || state == State::kTimeWait; };
    return over(guest.state()) && over(router.state());
  }

  static slirp::FlowKey key(bool is_v6, bool is_guest) {
    const SocketAddress inner{*IpAddress::parse(is_v6 ? "fd00::2" : "10.0.0.2"), 40000};
    const SocketAddress outer{*IpAddress::parse(is_v6 ? "2001:db8::80" : "198.51.100.7"), 443};
    const GuestId guest{0, 1};
    // Each end sends from its `remote` to its `guest_side`.
    return is_guest ? slirp::FlowKey{guest, outer, inner} : slirp::FlowKey{guest, inner, outer};
  }

  TcpEnd guest;
  TcpEnd router;
  Link up;
  Link down;
  Instant now{std::chrono::seconds{1000}};
  bool stuck = false;

 private:
  PairSettings settings_;
  int steps_at_now_ = 0;
};

}  // namespace wgr::sim
