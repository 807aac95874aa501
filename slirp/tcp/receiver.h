// The receiving half of a connection: segments of the guest become bytes for the host, in order.
//
//   in order      -> a view into the batch -> the host takes it, or end_batch() copies it into slots
//   out of order  -> Reassembly (slots)    -> joins the readable bytes when the hole is filled
//
// Nothing is acknowledged before the host has it or a slot holds it: next() counts what has been seen,
// acknowledgeable() what is safe. What cannot be held is forgotten, and the guest sends it again.
//
// Thread: confined to its connection.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bytes.h"
#include "core/packet_buffer.h"
#include "core/time.h"
#include "slirp/tcp/environment.h"
#include "slirp/tcp/reassembly.h"
#include "slirp/tcp/receive_window.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Receiver {
 public:
  using Reports = std::array<SeqRange, Reassembly::kReports>;

  explicit Receiver(Environment& environment) noexcept;
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  // `next` is the first byte expected; `mss` is what we told the guest.
  void start(SeqNumber next, std::size_t mss) noexcept;
  // The handshake ended with window scaling.
  void set_scale(std::uint8_t scale) noexcept { window_.set_scale(scale); }
  void set_sack(bool sack) noexcept { sack_ = sack; }
  // The window field of our SYN, which is never scaled.
  std::uint16_t syn_window() const noexcept;

  // Payload and FIN of an acceptable segment; what lies outside the window is cut off. The bytes stay in
  // place until end_batch().
  void receive(SeqNumber begin, MutableBytes payload, bool fin, Instant now);
  // Payloads that follow next() one after the other, of segments without FIN, as long as they fit the window
  // and nothing waits out of order. Returns how many were taken.
  std::size_t receive_in_order(std::span<const MutableBytes> payloads, Instant now);
  std::span<const iovec> readable() const noexcept;
  void consume(std::size_t size, Duration rtt, Instant now);
  // Holds what the host has not taken.
  void end_batch();

  // The end of data that arrived in order; RCV.NXT, which counts a FIN; the first number beyond the window.
  SeqNumber next() const noexcept { return next_; }
  SeqNumber expected() const noexcept { return next_ + (fin_known_ && next_ == fin_ ? 1 : 0); }
  SeqNumber edge() const noexcept { return window_.edge(); }
  // Every byte of the guest and its FIN are safe.
  bool has_fin() const noexcept { return fin_known_ && held_until_ == fin_; }
  // ... and the host has taken all of them.
  bool is_finished() const noexcept { return fin_known_ && next_ == fin_ && unread_ == 0; }
  bool has_unread() const noexcept { return unread_ != 0; }

  // What a segment sent now says; call offered() when one was.
  ReceiveWindow::Offer offer() const noexcept;
  void offered(const ReceiveWindow::Offer& offer) noexcept;
  // ... and it carried reports().
  void reported() noexcept;
  // SACK blocks, the newest first (RFC 2018), a duplicate before all (RFC 2883). Returns how many.
  std::size_t reports(Reports& into) const noexcept;
  SeqNumber last_acknowledged() const noexcept { return last_acknowledged_; }

  // Whether an acknowledgement must leave with this batch, and when the delayed one is due.
  bool must_acknowledge() const noexcept;
  void request_acknowledgement() noexcept { acknowledge_now_ = true; }
  // While a batch is open nothing more can be acknowledged.
  Instant acknowledge_at() const noexcept { return has_views_ ? kNever : acknowledge_at_; }

  std::size_t slots_held() const noexcept { return slots_ + reassembly_.slots_held(); }
  bool holds_idle_memory() const noexcept;
  void release_idle_memory() noexcept;

 private:
  SeqNumber acknowledgeable() const noexcept { return held_until_ + (has_fin() ? 1 : 0); }
  void accept_in_order(std::span<const MutableBytes> payloads, Instant now);
  void accept_out_of_order(SeqNumber begin, Bytes payload);
  void join_reassembled();
  void report_duplicate(SeqRange range) noexcept;
  bool hold(Bytes bytes);
  void hold_views(std::size_t first);
  void forget_from(std::vector<iovec>& views, std::vector<PacketBuffer>& owners, std::size_t first);

  Environment& environment_;
  // In order and not taken, from head_ on; an entry without owner points into the batch.
  std::vector<iovec> readable_;
  std::vector<PacketBuffer> owners_;
  std::size_t head_ = 0;
  std::size_t first_view_ = 0;
  bool has_views_ = false;
  bool fin_known_ = false;
  bool sack_ = false;
  bool acknowledge_now_ = false;
  bool has_reports_ = false;  // out-of-order or duplicate data since the last reported()
  bool has_duplicate_ = false;
  std::uint8_t quick_ = 0;        // acknowledgements without delay left
  std::uint16_t mss_ = 536;       // offered to the guest
  std::uint16_t peer_mss_ = 536;  // as seen in its segments
  std::uint32_t slots_ = 0;       // of owners_
  std::size_t unread_ = 0;
  SeqNumber next_;
  SeqNumber held_until_;
  SeqNumber fin_;
  SeqNumber last_acknowledged_;
  SeqRange duplicate_;
  Instant acknowledge_at_ = kNever;
  Reassembly reassembly_;
  ReceiveWindow window_;
};

}  // namespace wgr::slirp::tcp
