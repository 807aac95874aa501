// What the connections of one guest share. All references outlive every connection.
//
// Thread: confined to one worker.
#pragma once

#include "core/packet_buffer.h"
#include "slirp/config.h"
#include "slirp/memory_budget.h"
#include "slirp/tcp/counters.h"

namespace wgr::slirp::tcp {

struct Environment {
  const Config& config;
  PacketPool& pool;           // one slot holds one segment of any guest
  Counters& counters;         // of the worker
  MemoryBudget& memory;       // of the guest: slots held (pending, out of order, unacknowledged)
  std::uint16_t own_mtu = 0;  // of the guest, for connections to come; 0: config.mtu

  std::uint16_t mtu() const noexcept { return own_mtu == 0 ? config.mtu : own_mtu; }

  // What a held slot costs, whatever it holds: many small segments must not hold more than they pay for.
  std::size_t slot_cost() const noexcept { return pool.payload_capacity() + kHeadroom + kTailroom; }

  // A slot that is paid for; empty, and counted, when budget or pool are exhausted.
  PacketBuffer take_slot() {
    if (memory.take(slot_cost())) {
      if (PacketBuffer buffer = pool.take()) return buffer;
      memory.give_back(slot_cost());
    }
    counters.slots_refused.add();
    return {};
  }
  // REQUIRES: from take_slot().
  void return_slot(PacketBuffer& buffer) noexcept {
    buffer.reset();
    memory.give_back(slot_cost());
  }
};

}  // namespace wgr::slirp::tcp
