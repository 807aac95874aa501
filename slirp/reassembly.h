// Puts fragmented packets of guests together (RFC 791 3.2, RFC 8200 4.5), both families alike.
//
// A datagram is what was split: its fragments share source, destination and identification (and protocol,
// over IPv4). One overlap and the whole datagram is dropped, with what still comes of it (RFC 5722);
// a fragment that repeats bytes already here, bit by bit, is ignored. The first fragment has to hold the
// upper header (RFC 1858, RFC 7112). Time, memory and holes are capped per guest and in all: at its cap a
// guest loses its own oldest datagram, at the cap of all it gets no new memory. Packets that are not
// fragmented never come here, so no flood of fragments can hurt them (RFC 4787 REQ-14).
//
// Drops are counted here, because a datagram may end long after its fragments came.
//
// Thread: confined to one worker.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/counters.h"
#include "core/guest_id.h"
#include "core/packet_buffer.h"
#include "core/time.h"
#include "core/wire/ip.h"
#include "slirp/assembly.h"
#include "slirp/config.h"
#include "slirp/icmp_error.h"

namespace wgr::slirp {

inline constexpr Duration kReassemblyTimeV4 = std::chrono::seconds{30};
inline constexpr Duration kReassemblyTimeV6 = std::chrono::seconds{60};  // RFC 8200 4.5
// Deadlines are rounded up to this, so that the search for what is due happens at most that often.
inline constexpr Duration kReassemblyTick = std::chrono::milliseconds{100};

class Reassembly {
 public:
  // All outlive this object.
  Reassembly(const Limits& limits, IcmpErrors& errors, DropCounters& drops);

  // A fragment that passed IpInput; its bytes are copied. Returns the whole packet once this one completes
  // it: valid until end_turn(), headers as if it had never been split, the IPv4 header sum right.
  // REQUIRES: fragment.is_fragment.
  std::optional<wire::IpView> receive(GuestId guest, const wire::IpView& fragment, Instant now,
                                      PacketBatch& out);

  Instant next_deadline() const noexcept { return next_deadline_; }
  // Datagrams whose time is over end; their senders are told if the first fragment had come.
  void on_deadline(Instant now, PacketBatch& out);

  // Nobody looks at completed packets any more.
  void end_turn() noexcept;
  void remove_guest(GuestId guest);

  // Memory held, completed packets included.
  std::size_t bytes_held() const noexcept { return bytes_; }
  std::size_t datagrams_held() const noexcept;

 private:
  struct Guest {
    std::vector<std::unique_ptr<Assembly>> datagrams;  // oldest first
    std::size_t bytes = 0;
  };

  bool is_well_formed(GuestId guest, const wire::IpView& fragment, Instant now, PacketBatch& out);
  Assembly& find_or_begin(Guest& guest, const wire::IpView& fragment, Instant now);
  bool make_room(Guest& guest, const Assembly& keep, std::size_t size);
  std::optional<wire::IpView> complete(Guest& guest, Assembly& datagram);
  void abandon(Guest& guest, Assembly& datagram, DropReason reason);
  void erase(Guest& guest, std::size_t index);
  void send_error(GuestId guest, MutableBytes about, const IcmpError& error, Instant now, PacketBatch& out);

  const Limits& limits_;
  IcmpErrors& errors_;
  DropCounters& drops_;

  std::unordered_map<GuestId, Guest> guests_;         // with datagrams, or with some since the last deadline
  std::vector<std::unique_ptr<Assembly>> completed_;  // in this turn
  std::size_t bytes_ = 0;
  Instant next_deadline_ = kNever;
};

}  // namespace wgr::slirp
