#include "wireguard/device.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "wireguard/peer.h"

namespace wgr::wireguard {
namespace {

constexpr std::uint32_t kCookieRepliesPerSecond = 20'000;
// Each may cost three Diffie-Hellmans: packets have their turn in between.
constexpr int kMaxDuePeersPerTurn = 64;

}  // namespace

Device::Device(const DeviceConfig& config, WorkerIndex worker, WallTime wall_now, Instant now, Rng& rng)
    : local_{.identity = Identity{config.private_key},
             .mtu = config.mtu,
             .max_staged_packets = config.staged_packets,
             .clock = WallClock{wall_now, now},
             .rng = rng,
             .indices = IndexTable{worker},
             .counters = {}},
      worker_(worker),
      directory_(std::make_shared<const PeerDirectory>()),
      allowed_ips_(std::make_shared<const AllowedIps>()),
      cookie_checker_(local_.identity.public_key),
      load_(config.handshake_queue),
      cookie_budget_(kCookieRepliesPerSecond) {}

Device::~Device() = default;

void Device::set_private_key(const PrivateKey& key, Instant now) {
  local_.identity = Identity{key};
  cookie_checker_ = CookieChecker{local_.identity.public_key};
  std::vector<GuestId> ourselves;
  for (auto& [id, peer] : peers_) {
    if (peer->public_key() == local_.identity.public_key) {
      ourselves.push_back(id);
    } else {
      peer->restart(now);
      arm(*peer);
    }
  }
  for (const GuestId id : ourselves) remove_peer(id);
}

void Device::set_directory(std::shared_ptr<const PeerDirectory> directory) {
  assert(directory);
  directory_ = std::move(directory);
}

void Device::set_allowed_ips(std::shared_ptr<const AllowedIps> allowed_ips) {
  assert(allowed_ips);
  allowed_ips_ = std::move(allowed_ips);
  last_source_.reset();
}

void Device::set_peer(GuestId id, const PeerConfig& config, Instant now) {
  assert(id.home() == worker_);
  Peer* peer = find_peer(id);
  if (peer != nullptr && peer->public_key() != config.public_key) {
    remove_peer(id);
    peer = nullptr;
  }
  if (config.public_key == local_.identity.public_key) return;
  if (peer == nullptr) {
    peer = peers_.emplace(id, std::make_unique<Peer>(id, config, local_, now)).first->second.get();
  } else {
    peer->update(config, now);
  }
  arm(*peer);
}

void Device::remove_peer(GuestId id) {
  if (id == last_id_) {
    last_id_ = {};
    last_peer_ = nullptr;
  }
  if (unarmed_ != nullptr && unarmed_->id() == id) unarmed_ = nullptr;
  peers_.erase(id);
}

void Device::set_endpoint(GuestId id, const Endpoint& endpoint, EndpointOrigin origin, Instant now) {
  Peer* const peer = find_peer(id);
  if (peer == nullptr) return;
  const bool is_in_use = peer->endpoint() && peer->last_handshake_at() != kNever &&
                         now - peer->last_handshake_at() < kEndpointStaleAfter;
  if (origin == EndpointOrigin::kResolver && (is_in_use || peer->is_at(endpoint))) return;
  peer->set_endpoint(endpoint, now);
  arm(*peer);
}

void Device::send(GuestId id, Bytes packet, Instant now, Out& out) {
  Peer* const peer = find_peer(id);
  if (peer == nullptr) {
    drop(DropReason::kNoRoute);
    return;
  }
  peer->send(packet, now, out.datagrams);
  packet_passed(*peer);
}

void Device::send(std::span<const PacketView> packets, Instant now, Out& out) {
  Peer* const peer = find_peer(packets.front().guest);
  if (peer == nullptr) {
    local_.counters.drops.count(DropReason::kNoRoute, packets.size());
    return;
  }
  peer->send(packets, now, out.datagrams);
  packet_passed(*peer);
}

Instant Device::next_deadline() const noexcept {
  const Instant next = deadlines_.next();
  return unarmed_ == nullptr ? next : std::min(next, unarmed_->next_deadline());
}

void Device::on_deadline(Instant now, Out& out) {
  if (unarmed_ != nullptr) arm(*std::exchange(unarmed_, nullptr));
  for (int i = 0; i < kMaxDuePeersPerTurn; ++i) {
    const std::optional<GuestId> id = deadlines_.take_due(now);
    if (!id) break;
    Peer* const peer = find_peer(*id);
    if (peer == nullptr) continue;
    peer->queued = kNever;
    peer->on_deadline(now, out.datagrams);
    assert(peer->next_deadline() > now);
    arm(*peer);
  }
}

std::vector<Device::PeerStatus> Device::status() const {
  std::vector<PeerStatus> list;
  list.reserve(peers_.size());
  for (const auto& [id, peer] : peers_) {
    const Keypair* const current = peer->keypairs().current();
    list.push_back({.id = id,
                    .public_key = peer->public_key(),
                    .name = peer->name(),
                    .endpoint = peer->endpoint(),
                    .last_handshake = peer->last_handshake(),
                    .session_since = current == nullptr ? kNever : current->created(),
                    .received_bytes = peer->received_bytes(),
                    .sent_bytes = peer->sent_bytes(),
                    .persistent_keepalive = peer->persistent_keepalive(),
                    .has_preshared_key = peer->has_preshared_key()});
  }
  return list;
}

Peer* Device::find_peer(GuestId id) noexcept {
  if (last_peer_ != nullptr && id == last_id_) return last_peer_;
  const auto found = peers_.find(id);
  if (found == peers_.end()) return nullptr;
  last_id_ = id;
  last_peer_ = found->second.get();
  return last_peer_;
}

void Device::arm(Peer& peer) { deadlines_.arm(peer.id(), peer.next_deadline(), peer.queued); }

}  // namespace wgr::wireguard
