// Every peer of the router by its public key: an initiation finds its home worker here.
//
// Thread: an immutable snapshot (shared_ptr<const PeerDirectory>) shared by all workers; a change
// builds a new one.
#pragma once

#include <cstring>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include "core/guest_id.h"
#include "wireguard/crypto.h"

namespace wgr::wireguard {

class PeerDirectory {
 public:
  struct Entry {
    PublicKey public_key{};
    GuestId peer;
  };

  PeerDirectory() = default;
  explicit PeerDirectory(std::span<const Entry> entries) {
    peers_.reserve(entries.size());
    for (const Entry& entry : entries) peers_.insert_or_assign(entry.public_key, entry.peer);
  }

  std::optional<GuestId> find(const PublicKey& key) const {
    const auto found = peers_.find(key);
    return found == peers_.end() ? std::nullopt : std::optional{found->second};
  }
  std::size_t size() const noexcept { return peers_.size(); }

 private:
  // A public key is as good as random, and only configured ones are in the table.
  struct KeyHash {
    std::size_t operator()(const PublicKey& key) const noexcept {
      std::size_t hash;
      std::memcpy(&hash, key.data(), sizeof hash);
      return hash;
    }
  };

  std::unordered_map<PublicKey, GuestId, KeyHash> peers_;
};

}  // namespace wgr::wireguard
