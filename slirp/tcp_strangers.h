// Segments that belong to no flow (RFC 9293 3.10.7.1) or to one in TIME-WAIT (3.6.1).
//
// A closed flow leaves an entry of some hundred bytes here, not a flow slot and not a socket, so that a busy
// guest never runs out of flows by closing them. Entries end after 2 MSL, or when their guest opens the flow
// again with a newer SYN; at the cap the oldest goes.
//
// Thread: confined to the stack.
#pragma once

#include <deque>

#include "core/packet_buffer.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "slirp/bridge_environment.h"
#include "slirp/flow_table.h"
#include "slirp/tcp/connection.h"

namespace wgr::slirp {

class TcpStrangers {
 public:
  explicit TcpStrangers(const BridgeEnvironment& environment);

  // The flow of `connection` is about to close. REQUIRES: connection.may_retire().
  void retire(Guest& guest, const tcp::Connection& connection, Instant now);

  // In TIME-WAIT.
  bool knows(const FlowKey& key) noexcept { return entries_.find(key) != nullptr; }

  // True if the segment is a SYN that may open a flow; everything else is answered or dropped here.
  bool admits(Guest& guest, const FlowKey& key, const wire::IpView& packet, const wire::TcpView& segment,
              Instant now, PacketBatch& out);
  // RST that answers `segment`, unless it is one itself.
  void reset(Guest& guest, const wire::IpView& packet, const wire::TcpView& segment, PacketBatch& out);

  Instant next_deadline() const noexcept { return order_.empty() ? kNever : order_.front().at; }
  void on_deadline(Instant now);
  void remove_guest(Guest& guest);

 private:
  struct Entry : FlowBase {
    Entry(const tcp::Remains& what_remains, Instant now, Instant end)
        : remains(what_remains), retired(now), ends(end) {}
    tcp::Remains remains;
    Instant retired;
    Instant ends;
  };
  struct Ending {
    Instant at;
    FlowToken token;
  };
  enum class Answer : std::uint8_t { kReopen, kAcknowledge, kNone };

  Answer answer_in_time_wait(Entry& entry, const wire::TcpView& segment, Instant now);
  void acknowledge(const Entry& entry, Instant now, PacketBatch& out);
  void erase_oldest();
  void erase(Entry& entry);

  const BridgeEnvironment& environment_;
  FlowTable<Entry> entries_;
  std::deque<Ending>
      order_;  // each entry once, in the order they came or their FIN came again; stale ones too
};

}  // namespace wgr::slirp
