// The sending half of a connection: bytes from the host become segments, and segments stay until the
// guest has acknowledged them.
//
//   una_                     next_                      end of data
//    |  sent, unacknowledged  |  unsent (few: the host   |
//    |  (sacked, lost, ...)   |  is read only as far as  |
//    |                        |  windows allow)          |
//    segments_[0] ...         segments_[sent_]  ...
//
// Each segment lives in one slot of the pool: the host's bytes are read straight into it, headers are
// written in front of them at each transmission, and the slot is its own retransmission buffer.
//
// Loss is found by RACK-TLP (RFC 8985) with SACK (RFC 2018, 6675), by duplicate acknowledgements (RFC 6582)
// without it, and by the retransmission timeout (RFC 6298). The window in recovery follows PRR (RFC 6937);
// reductions that prove spurious are undone by timestamps (RFC 3522), F-RTO (RFC 5682) or D-SACK (RFC 3708).
// Sender knows neither handshake nor state; a FIN is the last byte of its sequence space.
//
// Thread: confined to its connection.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <optional>
#include <span>

#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/tcp.h"
#include "slirp/tcp/congestion.h"
#include "slirp/tcp/environment.h"
#include "slirp/tcp/rack.h"
#include "slirp/tcp/ring.h"
#include "slirp/tcp/rtt_estimator.h"
#include "slirp/tcp/scoreboard.h"
#include "slirp/tcp/segment_writer.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

class Sender {
 public:
  // What a segment of the guest says to the sender. REQUIRES of the caller: una() <= ack or ack is old,
  // and ack <= limit().
  struct Acknowledgement {
    SeqNumber sequence;  // of the segment that carries it
    SeqNumber ack;
    std::size_t window = 0;  // unscaled to bytes
    bool carries_data = false;
    const wire::TcpOptions& options;
  };

  // Both outlive the sender. `first` is the sequence number of the first byte.
  Sender(Environment& environment, SegmentWriter& writer, SeqNumber first);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  // The handshake is over. `mss` is payload per segment, options taken off; `sequence` and `window` are of
  // the segment that ended it; a zero `rtt` was not measured.
  struct Start {
    std::size_t mss = 536;
    bool sack = false;
    SeqNumber sequence;
    std::size_t window = 0;
    Duration rtt{};
  };
  void start(const Start& start, Instant now) noexcept;

  // Bytes from the host: see Connection.
  std::size_t prepare(std::span<iovec> into, std::size_t limit);
  void commit(std::size_t size, Instant now, PacketBatch& out);
  bool wants_data() const noexcept;
  // FIN follows the last byte.
  void finish(Instant now, PacketBatch& out);

  void acknowledge(const Acknowledgement& news, Instant now, PacketBatch& out);
  // Whether acknowledge() would only learn that the guest is there, as with most segments of an upload.
  bool is_old_news(const Acknowledgement& news) const noexcept {
    return news.ack == una_ && news.carries_data && news.options.sack_count == 0 && news.window == window_;
  }
  // REQUIRES: is_old_news(news).
  void hear(const Acknowledgement& news, Instant now) noexcept {
    heard_at_ = now;
    window_sequence_ = max(window_sequence_, news.sequence);
  }
  void mss_changed(std::size_t mss, Instant now, PacketBatch& out);

  Instant next_deadline() const noexcept;
  void on_deadline(Instant now, PacketBatch& out);
  // No transmission was answered for Config::give_up (RFC 9293 R2). A guest that answers with a closed
  // window is alive (MUST-37).
  bool has_given_up(Instant now) const noexcept;
  // Containers give their memory back if they hold nothing.
  void release_idle_memory() noexcept;

  SeqNumber una() const noexcept { return una_; }
  SeqNumber next() const noexcept { return next_; }
  // No acknowledgement may lie beyond: next(), or one byte more after a window probe.
  SeqNumber limit() const noexcept { return next_ + (window_probed_ ? 1 : 0); }
  std::size_t peer_window() const noexcept { return window_; }
  std::size_t largest_window() const noexcept { return largest_window_; }
  std::size_t bytes_in_flight() const noexcept { return pipe_; }
  std::size_t congestion_window() const noexcept { return congestion_.window(); }
  bool has_outstanding() const noexcept { return una_ != next_; }
  bool is_finishing() const noexcept { return fin_queued_; }
  // The guest acknowledged the FIN.
  bool is_finished() const noexcept { return fin_queued_ && segments_.empty(); }
  std::size_t slots_held() const noexcept { return slots_; }
  bool holds_idle_memory() const noexcept {
    return (segments_.empty() && segments_.capacity() != 0) || scoreboard_.holds_idle_memory();
  }
  const RttEstimator& rtt() const noexcept { return rtt_; }

 private:
  using Position = std::uint32_t;  // in segments_

  static constexpr std::uint32_t kDuplicateThreshold = 3;  // RFC 5681

  enum class Phase : std::uint8_t { kOpen, kRecovery, kLoss };

  struct Segment {
    PacketBuffer buffer;  // the payload; empty: a FIN alone
    SeqNumber begin;
    std::uint16_t size = 0;
    bool fin : 1 = false;
    bool push : 1 = false;
    bool sacked : 1 = false;
    bool lost : 1 = false;  // and not sent again since
    bool retransmitted : 1 = false;
    bool in_pipe : 1 = false;
    Instant sent_at{};
    Position earlier = 0;  // neighbours in order of transmission, while in_pipe
    Position later = 0;

    SeqNumber end() const noexcept { return begin + (std::size_t{size} + (fin ? 1 : 0)); }
    wire::TcpFlags flags() const noexcept {
      return wire::kTcpAck | (push ? wire::kTcpPsh : wire::TcpFlags{}) |
             (fin ? wire::kTcpFin : wire::TcpFlags{});
    }
    // Sent once, and nothing is known of it.
    bool is_plain() const noexcept { return in_pipe && !sacked && !lost && !retransmitted; }
  };

  // What one acknowledgement brought.
  struct News {
    std::size_t delivered = 0;  // bytes that left the network
    std::uint32_t acked_segments = 0;
    bool advanced = false;
    bool has_sample = false;
    bool has_retransmitted = false;
    bool original_delivered = false;  // something sent once, before the recovery began
    bool lost_more = false;
    bool duplicate_reported = false;  // D-SACK
    bool duplicate_of_probe = false;
    Instant newest_sent{};  // of segments sent once; for the round trip
    Duration rtt{};
    std::optional<std::uint32_t> echo;
  };

  // sender_fill.cc: bytes from the host
  std::size_t host_room() const noexcept;
  std::size_t pay_for_slots(std::size_t wanted) noexcept;
  std::size_t prepare_segments(std::span<iovec> into, std::size_t room);

  // sender.cc: transmission
  std::size_t window_room() const noexcept;
  bool may_send(const Segment& segment, Instant now) const noexcept;
  void send_pending(Instant now, PacketBatch& out);
  bool send_run(Instant now, PacketBatch& out);
  void send_lost(Instant now, PacketBatch& out);
  void new_sent(std::uint32_t segments, std::uint32_t bytes, SeqNumber end, Instant now) noexcept;
  void data_left(std::size_t bytes, Instant now) noexcept;
  void transmit(Position position, Instant now, PacketBatch& out);
  std::optional<Segment> cut(Segment& first, std::size_t size);
  bool split(std::size_t index, std::size_t size);
  bool cut_oversized();
  void drop_segment_buffer(Segment& segment) noexcept;
  void arm_timers(Instant now) noexcept;
  void restart_retransmission_timer(Instant now) noexcept;
  std::size_t effective_pipe() const noexcept;

  // sender_acknowledge.cc: what the guest says
  void update_window(const Acknowledgement& news) noexcept;
  void accept_probe(SeqNumber ack);
  void advance(SeqNumber ack, News& result, Instant now);
  void advance_plain(SeqNumber ack, News& result, Instant now);
  void read_sack(const Acknowledgement& news, News& result, Instant now);
  bool read_duplicate_report(const Acknowledgement& news, News& result) noexcept;
  void mark_sacked(SeqRange whole, SeqRange part, News& result, Instant now);
  void delivered(Segment& segment, News& result, Instant now);
  void count_duplicate(const Acknowledgement& news, std::size_t old_window, News& result);
  void sample_rtt(News& result, Instant now);
  std::size_t index_of(SeqNumber sequence) const noexcept;
  void link(Position position) noexcept;
  void link_run(Position first, Position last) noexcept;
  void unlink(Position position) noexcept;
  void relink() noexcept;
  void leave_pipe(Position position) noexcept;

  // sender_recovery.cc: what is lost, and what to do about it
  void detect_loss(News& result, Instant now);
  void mark_lost(Position position) noexcept;
  void remember_for_undo() noexcept;
  void enter_recovery() noexcept;
  void step_recovery(const News& result);
  void reduce_proportionally(const News& result) noexcept;
  void leave_recovery() noexcept;
  bool try_undo(const News& result) noexcept;
  void undo() noexcept;
  void judge_probe(const News& result, const Acknowledgement& news) noexcept;
  void retransmission_timed_out(Instant now, PacketBatch& out);
  void forget_sack() noexcept;
  void send_tail_probe(Instant now, PacketBatch& out);
  void probe_window(Instant now, PacketBatch& out);
  void schedule_probe(Instant now) noexcept;
  Duration probe_timeout() const noexcept;

  Environment& environment_;
  SegmentWriter& writer_;
  Ring<Segment> segments_;
  std::uint32_t sent_ = 0;   // of segments_, from the front
  std::uint32_t slots_ = 0;  // held in segments_
  SeqNumber una_;
  SeqNumber next_;
  std::uint32_t unsent_bytes_ = 0;
  std::uint32_t prepared_tail_ = 0;      // bytes offered at the end of the last unsent segment
  std::uint16_t prepared_segments_ = 0;  // empty segments at the end of segments_
  std::uint16_t mss_ = 536;
  std::uint16_t read_ahead_ = 10;  // segments offered per read: follows what the host gives

  std::size_t window_ = 0;
  std::size_t largest_window_ = 0;
  SeqNumber window_sequence_;  // SND.WL1
  SeqNumber window_ack_;       // SND.WL2

  std::size_t pipe_ = 0;       // bytes in the network, as far as we know
  std::size_t peak_pipe_ = 0;  // of this round trip
  SeqNumber round_end_;
  Position first_sent_ = 0;  // in order of transmission
  Position last_sent_ = 0;
  Position lost_hint_ = 0;  // no lost segment lies before
  std::uint32_t linked_ = 0;
  std::uint32_t lost_segments_ = 0;
  std::uint32_t sacked_segments_ = 0;
  std::uint32_t duplicate_acks_ = 0;

  Phase phase_ = Phase::kOpen;
  bool sack_ = false;
  bool fin_queued_ = false;
  bool started_ = false;
  bool has_oversized_ = false;      // segments beyond mss_ which no memory was there to cut
  bool probe_outstanding_ = false;  // a tail loss probe
  bool probe_was_retransmission_ = false;
  bool window_probed_ = false;    // the byte at next_ has left as a window probe
  bool may_be_spurious_ = false;  // the first acknowledgements after a timeout (F-RTO)
  std::uint8_t persist_backoff_ = 0;
  SeqNumber recovery_point_;
  SeqNumber undo_marker_;               // una_ when the recovery began
  std::uint32_t undo_retransmits_ = 0;  // retransmissions that no D-SACK has reported
  std::uint32_t first_retransmit_stamp_ = 0;
  bool undo_possible_ = false;
  bool has_retransmit_stamp_ = false;
  SeqNumber probe_end_;
  std::size_t prr_delivered_ = 0;
  std::size_t prr_out_ = 0;
  std::size_t recovery_flight_ = 0;

  Instant retransmit_at_ = kNever;  // RFC 6298
  Instant probe_at_ = kNever;       // RFC 8985 7.2
  Instant reorder_at_ = kNever;     // RFC 8985 6.2 step 5
  Instant persist_at_ = kNever;     // RFC 9293 3.8.6.1
  Instant pace_at_ = kNever;        // Config::pace holds the next segment back until then
  Instant last_sent_at_{};
  Instant progress_at_{};  // una_ advanced, or the first transmission after nothing was outstanding
  Instant heard_at_{};     // any acknowledgement

  Scoreboard scoreboard_;
  Rack rack_;
  RttEstimator rtt_;
  Congestion congestion_;
};

}  // namespace wgr::slirp::tcp
