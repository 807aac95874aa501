// One TCP connection with a guest (RFC 9293). The host side is a socket that a bridge drives; here it
// is only "bytes the host may take" and "bytes the host gives".
//
//   guest --segments--> receive() --> readable() / consume() --> host socket
//   guest <--segments-- out       <-- prepare() / commit()   <-- host socket
//
// Connection joins Receiver (reassembly, window, acknowledgements), Sender (retransmission, SACK,
// RACK-TLP, congestion) and the state; it owns no socket and reads no clock.
//
// Views: payload in readable() points into the batch given to receive() until end_batch(), which
// copies what the host has not taken into a bounded buffer. Nothing is acknowledged before one of
// the two holds. Segments pushed to `out` live in slots of the pool until PacketPool::end_turn().
//
// Thread: confined to the worker of its guest.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/tcp.h"
#include "slirp/flow_key.h"
#include "slirp/tcp/environment.h"
#include "slirp/tcp/receiver.h"
#include "slirp/tcp/segment_writer.h"
#include "slirp/tcp/sender.h"
#include "slirp/tcp/seq.h"

namespace wgr::slirp::tcp {

// What nobody must guess (RFC 6528, RFC 7323 5.4): both from a KeyedHash of the flow and the clock.
struct InitialNumbers {
  std::uint32_t sequence = 0;
  std::uint32_t timestamp_offset = 0;
};

enum class State : std::uint8_t {
  kSynReceived,  // passive open: the guest's SYN is known, nothing sent until accept()
  kSynAckSent,   // accept() was called
  kSynSent,      // active open
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
  kClosed,  // finished or reset: remove the flow when is_done()
};

// What a connection in TIME-WAIT still has to know (RFC 9293 3.6.1): enough to acknowledge a FIN that
// the guest repeats and to tell a new SYN from an old one. The flow itself goes; a compact entry stays.
struct Remains {
  std::uint32_t send_next = 0;
  std::uint32_t receive_next = 0;
  bool has_timestamps = false;
  std::uint32_t timestamp_recent = 0;  // TS.Recent: the guest's newest
  std::uint32_t timestamp_value = 0;   // what a segment sent now would carry
};

class Connection {
 public:
  // Passive open with the guest's SYN; says nothing to the guest yet.
  // REQUIRES: SYN without ACK and RST.
  Connection(Environment& environment, const FlowKey& key, const wire::TcpView& syn, InitialNumbers initial,
             Instant now);
  // Active open towards the guest; connect() sends the SYN.
  Connection(Environment& environment, const FlowKey& key, InitialNumbers initial, Instant now);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The host has connected: the SYN-ACK leaves. REQUIRES: state() == kSynReceived.
  void accept(Instant now, PacketBatch& out);
  // REQUIRES: active open, once.
  void connect(Instant now, PacketBatch& out);

  // A checked segment of this flow; its payload must stay in place until end_batch().
  void receive(const wire::TcpView& segment, Instant now, PacketBatch& out);
  // Payloads that follow `first`, which receive() has just had: of segments that differ from it in sequence
  // number, PSH and length alone. Returns how many were taken; the others are for receive().
  std::size_t receive_followers(const wire::TcpView& first, std::span<const MutableBytes> payloads,
                                Instant now);
  // After the last segment of a batch and after the host took what it wanted: keeps the rest, sends the
  // one acknowledgement that is due.
  void end_batch(Instant now, PacketBatch& out);

  // Guest to host: in-order bytes that the host has not taken, oldest first; empty if none.
  std::span<const iovec> readable() const;
  // The host took `size` of them; opens the window again (the update goes out with end_batch()).
  void consume(std::size_t size, Instant now);
  // The guest has finished sending and everything was consumed: shut the host socket's sending side down.
  // Ask after end_batch().
  bool is_receive_finished() const;

  // Host to guest: room for bytes from the host, as far as the guest's window, the congestion window and
  // the memory budget allow, at most `limit` bytes in at most into.size() pieces. Returns the pieces filled
  // in; none means the host is not to be read until wants_host_data() turns true.
  std::size_t prepare(std::span<iovec> into, std::size_t limit);
  // The host put `size` bytes into the prepared room (0 gives it back): they are sent as far as allowed.
  void commit(std::size_t size, Instant now, PacketBatch& out);
  bool wants_host_data() const;
  // The host has finished sending: FIN follows the last byte.
  void finish_send(Instant now, PacketBatch& out);

  // DSCP and ECN bits of the packets that follow (Config::copy_tos is the caller's to obey).
  void set_tos(std::uint8_t tos) { writer_.set_tos(tos); }

  // RST to the guest, kClosed.
  void abort(Instant now, PacketBatch& out);
  // A router on the way towards the guest reports a smaller MTU (inner packet size).
  void path_mtu_changed(std::uint16_t mtu, Instant now, PacketBatch& out);

  Instant next_deadline() const;
  void on_deadline(Instant now, PacketBatch& out);

  // REQUIRES: state() == kTimeWait.
  Remains remains(Instant now) const;
  // RFC 5927 4.1: whether an ICMP error that quotes this sequence number may be about one of our segments.
  bool is_in_flight(std::uint32_t sequence) const;

  State state() const;
  // Nothing more will come of it: kClosed, and the host has taken every byte that was acknowledged.
  bool is_done() const;
  // In kTimeWait with everything consumed: remains() can stand in for it.
  bool may_retire() const;
  // Closed by the guest's RST or given up after time-outs: the host socket is to be reset, not closed.
  bool was_reset() const;
  const FlowKey& key() const;
  std::size_t memory_held() const;

 private:
  // Which way a segment goes on after a step.
  enum class Verdict : std::uint8_t { kContinue, kDone };

  // connection.cc
  void set_state(State state) noexcept;
  void read_peer_options(const wire::TcpOptions& options) noexcept;
  std::uint8_t window_scale() const noexcept;
  wire::TcpOptions syn_options(Instant now) const noexcept;
  void send_syn(Instant now, PacketBatch& out);
  void establish(const wire::TcpView& segment, Instant now);
  std::size_t send_mss() const noexcept;
  std::size_t receive_mss() const noexcept;
  void close_by_reset() noexcept;
  void sender_finished(Instant now) noexcept;
  void guest_finished(Instant now) noexcept;
  // Runs something that may send data: every segment carries what may be acknowledged by now.
  template <typename Action>
  void with_sender(PacketBatch& out, Action action) {
    const ReceiveWindow::Offer offer = receiver_.offer();
    writer_.acknowledge(offer.ack, offer.field);
    const std::size_t before = out.packets().size();
    action();
    if (out.packets().size() != before) receiver_.offered(offer);
  }
  void send_acknowledgement(Instant now, PacketBatch& out);
  bool holds_idle_memory() const noexcept;

  // connection_receive.cc: RFC 9293 3.10.7
  Verdict receive_before_establishment(const wire::TcpView& segment, const wire::TcpOptions& options,
                                       Instant now, PacketBatch& out);
  Verdict receive_in_syn_sent(const wire::TcpView& segment, const wire::TcpOptions& options, Instant now,
                              PacketBatch& out);
  Verdict receive_in_syn_ack_sent(const wire::TcpView& segment, const wire::TcpOptions& options, Instant now,
                                  PacketBatch& out);
  Verdict check_timestamps(const wire::TcpView& segment, const wire::TcpOptions& options, Instant now);
  Verdict check_sequence(const wire::TcpView& segment, Instant now);
  Verdict check_reset_and_syn(const wire::TcpView& segment, Instant now);
  Verdict check_acknowledgement(const wire::TcpView& segment, const wire::TcpOptions& options, Instant now,
                                PacketBatch& out);
  bool is_acceptable(SeqNumber begin, std::size_t length) const noexcept;
  void challenge(Instant now) noexcept;
  void refuse(DropReason reason) noexcept { environment_.counters.drops.count(reason); }
  void reset_for(const wire::TcpView& segment, PacketBatch& out);

  // connection_deadline.cc
  Instant lifetime_deadline() const noexcept;
  Instant keepalive_deadline() const noexcept;
  void handshake_timed_out(Instant now, PacketBatch& out);
  void send_keepalive(Instant now, PacketBatch& out);
  void give_up(Instant now, PacketBatch& out);

  // Constant after construction.
  Environment& environment_;
  const FlowKey key_;
  const SeqNumber initial_sequence_;
  const bool is_passive_;
  const std::uint16_t mtu_;

  // Agreed in the handshake.
  SeqNumber peer_initial_sequence_;
  std::uint16_t peer_mss_ = 536;
  std::uint16_t path_mtu_;
  std::uint8_t peer_scale_ = 0;
  bool scaling_ = false;
  bool sack_ = false;
  bool timestamps_ = false;

  State state_;
  bool was_reset_ = false;
  bool finish_requested_ = false;  // before the handshake ended
  bool guest_finished_ = false;    // its FIN was processed
  std::uint8_t syn_transmissions_ = 0;
  std::uint8_t keepalives_ = 0;  // unanswered
  std::uint32_t timestamp_recent_ = 0;

  Instant timestamp_recent_at_{};
  Instant syn_at_ = kNever;  // SYN or SYN-ACK is sent again
  Instant syn_began_{};
  Instant state_began_{};
  Instant heard_at_{};   // any acceptable segment
  Instant active_at_{};  // either direction
  Instant challenge_allowed_at_{};

  SegmentWriter writer_;
  Sender sender_;
  Receiver receiver_;
};

}  // namespace wgr::slirp::tcp
