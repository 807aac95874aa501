// What the stack keeps per guest: how many flows of each kind it has, in the order of their last use, and
// what it may still ask for. One guest at its cap never takes from another.
//
// Thread: confined to its stack.
#pragma once

#include <cstddef>
#include <memory>
#include <unordered_map>

#include "core/guest_id.h"
#include "core/packet_buffer.h"
#include "slirp/config.h"
#include "slirp/counters.h"
#include "slirp/flow_chain.h"
#include "slirp/memory_budget.h"
#include "slirp/tcp/environment.h"
#include "slirp/token_bucket.h"

namespace wgr::slirp {

struct Guest {
  Guest(GuestId guest_id, const Config& config, PacketPool& pool, tcp::Counters& counters,
        MemoryBudget& all_memory)
      : id(guest_id),
        memory(config.limits.tcp_memory_per_guest, &all_memory),
        tcp_environment{config, pool, counters, memory},
        udp_mappings(config.limits.udp_mappings_per_second, config.limits.udp_mapping_burst, Instant{}) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  std::uint16_t mtu() const noexcept { return tcp_environment.mtu(); }

  const GuestId id;
  MemoryBudget memory;
  tcp::Environment tcp_environment;  // of its connections
  TokenBucket udp_mappings;          // new ones
  // Its flows by table; FlowTable keeps them.
  FlowChain tcp;
  FlowChain time_wait;
  FlowChain udp;
  FlowChain icmp;
  FlowChain dns;
  FlowChain forwarded_udp;
  std::size_t connecting = 0;  // TCP flows whose host connect is pending
  std::size_t forwarded = 0;   // flows of outside clients (ForwardAdmission)
};

// Guests by id. An entry stays where it is until the guest is removed: flows point to it.
class GuestTable {
 public:
  // All outlive the table.
  GuestTable(const Config& config, PacketPool& pool, Counters& counters, MemoryBudget& all_memory)
      : config_(config), pool_(pool), counters_(counters), all_memory_(all_memory) {}

  Guest& at(GuestId id) {
    if (last_ != nullptr && last_->id == id) return *last_;
    auto& entry = guests_[id];
    if (!entry) {
      entry = std::make_unique<Guest>(id, config_, pool_, counters_.tcp_connections, all_memory_);
      counters_.guests.add();
    }
    last_ = entry.get();
    return *entry;
  }
  Guest* find(GuestId id) noexcept {
    const auto found = guests_.find(id);
    return found == guests_.end() ? nullptr : found->second.get();
  }
  // REQUIRES: the guest has no flows.
  void erase(GuestId id) noexcept {
    last_ = nullptr;
    if (guests_.erase(id) != 0) counters_.guests.subtract();
  }

 private:
  const Config& config_;
  PacketPool& pool_;
  Counters& counters_;
  MemoryBudget& all_memory_;
  std::unordered_map<GuestId, std::unique_ptr<Guest>> guests_;
  Guest* last_ = nullptr;
};

}  // namespace wgr::slirp
