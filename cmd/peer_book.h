// The peers of the router: which id and home worker each public key has. A peer keeps its id for as
// long as it stays configured; a new one is dealt to the workers in turn.
//
// Thread: the main thread's. The snapshots it makes are shared with the workers.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "wireguard/allowed_ips.h"
#include "wireguard/config.h"
#include "wireguard/device.h"

namespace wgr {

class PeerBook {
 public:
  struct Entry {
    GuestId id;
    wireguard::PeerConfig config;
  };
  struct Change {
    std::vector<Entry> present;  // added or kept: tell their workers (telling twice is harmless)
    std::vector<GuestId> removed;
  };

  explicit PeerBook(std::size_t workers) : workers_(workers) {}

  // The configuration as it is to be; returns what differs. A key that is configured twice counts once,
  // the later entry wins (the configuration reader has refused that already).
  Change apply(std::span<const wireguard::PeerConfig> peers);

  const std::map<wireguard::PublicKey, Entry>& entries() const noexcept { return entries_; }
  std::shared_ptr<const wireguard::AllowedIps> allowed_ips() const;
  std::shared_ptr<const wireguard::PeerDirectory> directory() const;

 private:
  const std::size_t workers_;
  std::uint64_t last_serial_ = 0;
  std::map<wireguard::PublicKey, Entry> entries_;
};

}  // namespace wgr
