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
#include <memory>
#include <span>

#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/tcp.h"
#include "slirp/config.h"
#include "slirp/flow_key.h"
#include "slirp/memory_budget.h"
#include "slirp/tcp/counters.h"

namespace wgr::slirp::tcp {

// What the connections of one guest share. All references outlive every connection.
struct Environment {
  const Config& config;
  PacketPool& pool;      // one slot holds one segment of config.mtu
  Counters& counters;    // of the worker
  MemoryBudget& memory;  // of the guest: slots held (pending, out of order, unacknowledged)
};

// What nobody must guess (RFC 6528, RFC 7323 5.4): both from a KeyedHash of the flow and the clock.
struct InitialNumbers {
  std::uint32_t sequence = 0;
  std::uint32_t timestamp_offset = 0;
};

enum class State : std::uint8_t {
  kSynReceived,      // passive open: the guest's SYN is known, nothing sent until accept()
  kSynAckSent,       // accept() was called
  kSynSent,          // active open
  kEstablished,
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
  kClosed,           // finished or reset: remove the flow when is_done()
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

  // RST to the guest, kClosed.
  void abort(Instant now, PacketBatch& out);
  // Whether an ICMP error that quotes this sequence number may be about data in flight (RFC 5927 4).
  bool is_outstanding(std::uint32_t sequence) const;
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
  // In kTimeWait with everything consumed: a TimeWait (slirp/tcp/time_wait.h) can stand in for it.
  bool may_retire() const;
  // Closed by the guest's RST or given up after time-outs: the host socket is to be reset, not closed.
  bool was_reset() const;
  const FlowKey& key() const;
  std::size_t memory_held() const;

 private:
  struct Impl;  // replaced by members when the parts exist
};

}  // namespace wgr::slirp::tcp
