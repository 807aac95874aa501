// How much the guest may send: a capacity that follows the rate at which the host takes data, and a right
// edge that never moves left (RFC 9293 SHLD-14).
//
//    read by host   next    right edge
//   ------|---------|-------|---->
//          unread    offered      capacity = unread + offered
//
// Thread: confined to its connection.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/time.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class ReceiveWindow {
 public:
  ReceiveWindow(std::size_t initial, std::size_t most) noexcept : capacity_(initial), most_(most) {}

  // What the next segment says.
  struct Offer {
    SeqNumber ack;
    SeqNumber edge;
    std::uint16_t field = 0;  // scaled
  };

  // The first byte expected; the unscaled window of the SYN has been offered.
  void start(SeqNumber next, std::uint16_t syn_window) noexcept { edge_ = next + syn_window; }
  void set_scale(std::uint8_t scale) noexcept { scale_ = scale; }

  // `unread` bytes wait for the host; `available` bytes may still be held for the guest.
  Offer offer(SeqNumber ack, std::size_t unread, std::size_t available, std::size_t mss) const noexcept;
  void offered(const Offer& offer) noexcept { edge_ = offer.edge; }
  // Whether the guest should be told (RFC 9293 3.8.6.2.2): two segments or half of the capacity more.
  bool is_worth_telling(const Offer& offer, std::size_t mss) const noexcept;

  // The host took `size` bytes: the capacity grows with what it takes in one round trip.
  void consumed(std::size_t size, std::size_t mss, Duration rtt, std::size_t available, Instant now) noexcept;

  SeqNumber edge() const noexcept { return edge_; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  std::size_t capacity_;
  const std::size_t most_;
  SeqNumber edge_;  // as the guest knows it
  std::uint8_t scale_ = 0;
  std::size_t taken_ = 0;       // in this round trip
  std::size_t taken_last_ = 0;  // in the one before
  Instant round_began_{};
};

}  // namespace wgr::slirp::tcp
