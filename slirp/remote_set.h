// The remotes a UDP mapping or a ping flow has sent to: who may answer (address-dependent filtering) and whom
// the egress policy has already allowed. Bounded: two generations of at most half the capacity; when the
// younger is full the older one is forgotten, so a remote in use stays and the longest unused go.
//
// Thread: confined to its flow.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.h"
#include "slirp/flow_hash.h"

namespace wgr::slirp {

class RemoteSet {
 public:
  // At least `capacity` / 2 remotes stay, at most `capacity`. REQUIRES: `hash` outlives the set.
  RemoteSet(const FlowHash& hash, std::size_t capacity) noexcept
      : hash_(&hash), half_(std::max<std::size_t>(capacity, 1)) {}

  // True if it was there (and stays longer for it).
  bool touch(const SocketAddress& remote) {
    if (is_last(remote) || young_.contains(*hash_, remote)) return true;
    if (!old_.contains(*hash_, remote)) return false;
    add(remote);
    return true;
  }

  void add(const SocketAddress& remote) {
    if (young_.size() >= half_) {
      std::swap(young_, old_);
      young_.clear();
    }
    young_.add(*hash_, remote);
    // An address stands beside its ports as port 0, so that one look-up answers contains_address().
    const SocketAddress address{remote.ip, 0};
    if (!young_.contains(*hash_, address)) young_.add(*hash_, address);
    last_ = remote;
    has_last_ = true;
  }

  bool contains(const SocketAddress& remote) const noexcept {
    return is_last(remote) || young_.contains(*hash_, remote) || old_.contains(*hash_, remote);
  }
  bool contains_address(const IpAddress& ip) const noexcept {
    if (has_last_ && last_.ip == ip) return true;
    return young_.contains(*hash_, {ip, 0}) || old_.contains(*hash_, {ip, 0});
  }

 private:
  // Open addressing; a handful lies in a row without an index.
  class Generation {
   public:
    bool contains(const FlowHash& hash, const SocketAddress& remote) const noexcept {
      if (index_.empty()) return std::find(members_.begin(), members_.end(), remote) != members_.end();
      for (std::size_t at = hash(remote) & mask(); index_[at] != 0; at = (at + 1) & mask()) {
        if (members_[index_[at] - 1] == remote) return true;
      }
      return false;
    }
    void add(const FlowHash& hash, const SocketAddress& remote) {
      members_.push_back(remote);
      if (members_.size() <= kLinear) return;
      if (members_.size() * 2 > index_.size()) {
        index_.assign(std::max<std::size_t>(index_.size() * 2, kLinear * 8), 0);
        for (std::size_t i = 0; i < members_.size(); ++i) place(hash, i);
      } else {
        place(hash, members_.size() - 1);
      }
    }
    std::size_t size() const noexcept { return members_.size(); }
    void clear() noexcept {
      members_.clear();
      index_.clear();
    }

   private:
    static constexpr std::size_t kLinear = 8;
    std::size_t mask() const noexcept { return index_.size() - 1; }
    void place(const FlowHash& hash, std::size_t member) noexcept {
      std::size_t at = hash(members_[member]) & mask();
      while (index_[at] != 0) at = (at + 1) & mask();
      index_[at] = static_cast<std::uint32_t>(member + 1);
    }

    std::vector<SocketAddress> members_;
    std::vector<std::uint32_t> index_;  // member + 1; 0: empty
  };

  bool is_last(const SocketAddress& remote) const noexcept { return has_last_ && last_ == remote; }

  const FlowHash* hash_;
  std::size_t half_;  // entries per generation, two for each remote
  bool has_last_ = false;
  SocketAddress last_;  // most datagrams go where the one before went
  Generation young_;
  Generation old_;
};

}  // namespace wgr::slirp
