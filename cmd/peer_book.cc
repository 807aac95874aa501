#include "cmd/peer_book.h"

#include <stdexcept>

namespace wgr {

PeerBook::Change PeerBook::apply(std::span<const wireguard::PeerConfig> peers) {
  std::map<wireguard::PublicKey, Entry> next;
  for (const wireguard::PeerConfig& peer : peers) {
    const auto known = entries_.find(peer.public_key);
    GuestId id;
    if (const auto twice = next.find(peer.public_key); twice != next.end()) {
      id = twice->second.id;
    } else if (known != entries_.end()) {
      id = known->second.id;
    } else {
      if (last_serial_ == GuestId::kMaxSerial)
        throw std::length_error("no more peer ids: restart the router");
      id = GuestId{static_cast<WorkerIndex>(last_serial_ % workers_), last_serial_ + 1};
      ++last_serial_;
    }
    next.insert_or_assign(peer.public_key, Entry{id, peer});
  }

  Change change;
  for (const auto& [key, entry] : entries_) {
    if (!next.contains(key)) change.removed.push_back(entry.id);
  }
  for (const auto& [key, entry] : next) change.present.push_back(entry);
  entries_ = std::move(next);
  return change;
}

std::shared_ptr<const wireguard::AllowedIps> PeerBook::allowed_ips() const {
  auto table = std::make_shared<wireguard::AllowedIps>();
  for (const auto& [key, entry] : entries_) {
    for (const Prefix& prefix : entry.config.allowed_ips) table->insert(prefix, entry.id);
  }
  return table;
}

std::shared_ptr<const wireguard::PeerDirectory> PeerBook::directory() const {
  std::vector<wireguard::PeerDirectory::Entry> entries;
  entries.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) entries.push_back({key, entry.id});
  return std::make_shared<wireguard::PeerDirectory>(entries);
}

}  // namespace wgr
