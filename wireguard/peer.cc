#include "wireguard/peer.h"

#include <algorithm>
#include <cassert>

namespace wgr::wireguard {
namespace {

// The largest packet that fits into one datagram.
constexpr std::size_t kMaxPacket = DatagramBatch::kMaxRunBytes - kTransportOverhead;

}  // namespace

Peer::Peer(GuestId id, const PeerConfig& config, Local& local, Instant now)
    : id_(id),
      public_key_(config.public_key),
      local_(local),
      timers_(local.rng),
      cookies_(config.public_key) {
  local_.counters.peers.add();
  update(config, now);
}

Peer::~Peer() {
  drop_staged(DropReason::kStagedExpired);
  local_.counters.keypairs.subtract(static_cast<std::int64_t>(keypairs_.size()));
  local_.counters.peers.subtract();
}

void Peer::update(const PeerConfig& config, Instant now) {
  assert(config.public_key == public_key_);
  preshared_key_ = config.preshared_key.value_or(PresharedKey{});
  name_ = config.name;
  timers_.persistent_keepalive_set(config.persistent_keepalive, now);
}

void Peer::set_endpoint(const Endpoint& endpoint, Instant now) {
  learned_in_ = 0;
  endpoint_ = endpoint;
  if (!endpoint) return;
  const bool is_wanted = !staged_.empty() || timers_.persistent_keepalive().count() > 0;
  if (is_wanted && !may_send(now)) {
    last_handshake_message_ = kNever;
    timers_.handshake_wanted(now);
  }
}

void Peer::restart(Instant now) {
  const bool had_session = !keypairs_.empty();
  erase_sessions();
  static_shared_.erase();
  static_shared_state_ = StaticShared::kUnknown;
  last_handshake_message_ = kNever;
  if (had_session || !staged_.empty()) timers_.handshake_wanted(now);
}

void Peer::send(Bytes packet, Instant now, DatagramBatch& out) {
  if (packet.size() > kMaxPacket) {
    local_.counters.drops.count(DropReason::kPacketTooBig);
    return;
  }
  if (!may_send(now)) {
    stage(packet);
    timers_.packet_staged(now);
    initiate(now, out);
    return;
  }
  Keypair& keypair = *keypairs_.current();
  seal_packet(keypair, packet, now, out);
  if (keypair.is_stale_for_sending(now)) initiate(now, out);
}

void Peer::send(std::span<const PacketView> packets, Instant now, DatagramBatch& out) {
  if (!may_send(now) || keypairs_.current()->messages_left() <= packets.size()) [[unlikely]] {
    for (const PacketView& packet : packets) send(packet.bytes, now, out);
    return;
  }
  Keypair& keypair = *keypairs_.current();
  const std::size_t mtu = local_.mtu;
  std::size_t packet_bytes = 0;
  std::size_t datagram_bytes = 0;
  std::size_t sent = 0;
  for (const PacketView& packet : packets) {
    if (packet.bytes.size() > kMaxPacket) [[unlikely]] {
      local_.counters.drops.count(DropReason::kPacketTooBig);
      continue;
    }
    const std::size_t padding =
        std::min(padding_for(packet.bytes.size(), mtu), kMaxPacket - packet.bytes.size());
    const std::size_t size = kTransportOverhead + packet.bytes.size() + padding;
    const MutableBytes datagram = sent == 0 ? out.append(endpoint_, size) : out.append_again(size);
    keypair.seal(packet.bytes, padding, datagram.data());
    ++sent;
    packet_bytes += packet.bytes.size();
    datagram_bytes += size;
  }
  if (sent == 0) return;
  sent_bytes_ += datagram_bytes;
  local_.counters.sent_datagrams.add(sent);
  local_.counters.sent_datagram_bytes.add(datagram_bytes);
  local_.counters.sent_packets.add(sent);
  local_.counters.sent_bytes.add(packet_bytes);
  timers_.data_sent(now);
  timers_.authenticated_sent(now);
  if (keypair.is_stale_for_sending(now)) initiate(now, out);
}

void Peer::transport_received(Keypair& keypair, const Endpoint& from, std::uint64_t run,
                              const Received& received, Instant now, DatagramBatch& out) {
  if (run != learned_in_) {
    learn_endpoint(from);
    learned_in_ = run;
  }
  received_bytes_ += received.bytes;
  // The second packet tells the timers that a keepalive is owed already; a third says nothing more.
  for (std::size_t i = 0; i < std::min<std::size_t>(received.packets, 2); ++i) timers_.data_received(now);
  timers_.authenticated_received(now);
  if (keypairs_.confirm(keypair)) [[unlikely]] {
    handshake_completed(now);
    send_staged(now, out);
  }
  // Only the keypair in use: a late message on an old one says nothing about the age of the new.
  if (&keypair == keypairs_.current() && keypair.is_stale_for_receiving(now)) [[unlikely]]
    initiate(now, out);
}

void Peer::on_deadline(Instant now, DatagramBatch& out) {
  const Timers::Due due = timers_.on_deadline(now);
  if (due.erase_keys) erase_sessions();
  if (due.give_up) {
    outstanding_.reset();
    drop_staged(DropReason::kStagedExpired);
    local_.counters.handshakes_given_up.add();
  }
  if (due.send_initiation) {
    forget_source();
    initiate(now, out);
  }
  if (due.send_keepalive) send_keepalive(now, out);
}

void Peer::send_keepalive(Instant now, DatagramBatch& out) {
  if (!may_send(now)) {  // the handshake's completion takes its place
    initiate(now, out);
    return;
  }
  Keypair& keypair = *keypairs_.current();
  keypair.seal({}, /*padding=*/0, out.append(endpoint_, kTransportOverhead).data());
  count_sent(kTransportOverhead);
  local_.counters.keepalives_sent.add();
  timers_.keepalive_sent(now);
  if (keypair.is_stale_for_sending(now)) initiate(now, out);
}

void Peer::seal_packet(Keypair& keypair, Bytes packet, Instant now, DatagramBatch& out) {
  const std::size_t padding = std::min(padding_for(packet.size(), local_.mtu), kMaxPacket - packet.size());
  const std::size_t size = kTransportOverhead + packet.size() + padding;
  keypair.seal(packet, padding, out.append(endpoint_, size).data());
  count_sent(size);
  local_.counters.sent_packets.add();
  local_.counters.sent_bytes.add(packet.size());
  timers_.data_sent(now);
  timers_.authenticated_sent(now);
}

bool Peer::may_send(Instant now) const noexcept {
  const Keypair* const current = keypairs_.current();
  return current != nullptr && current->may_send(now) && endpoint_;
}

void Peer::stage(Bytes packet) {
  while (!staged_.empty() && staged_.size() >= local_.max_staged_packets) drop_oldest_staged();
  if (local_.staged_bytes + packet.size() > Local::kMaxStagedBytes || local_.max_staged_packets == 0) {
    local_.counters.drops.count(DropReason::kStagedOverflow);
    return;
  }
  staged_.emplace_back(packet.begin(), packet.end());
  local_.staged_bytes += packet.size();
  local_.counters.staged_packets.add();
}

void Peer::drop_oldest_staged() noexcept {
  local_.staged_bytes -= staged_.front().size();
  local_.counters.staged_packets.subtract();
  local_.counters.drops.count(DropReason::kStagedOverflow);
  staged_.pop_front();
}

void Peer::drop_staged(DropReason reason) noexcept {
  for (const auto& packet : staged_) local_.staged_bytes -= packet.size();
  local_.counters.staged_packets.subtract(static_cast<std::int64_t>(staged_.size()));
  local_.counters.drops.count(reason, staged_.size());
  staged_.clear();
}

void Peer::send_staged(Instant now, DatagramBatch& out) {
  if (!may_send(now)) return;
  std::deque<std::vector<std::uint8_t>> packets;
  packets.swap(staged_);
  for (const auto& packet : packets) {
    local_.staged_bytes -= packet.size();
    local_.counters.staged_packets.subtract();
    send(packet, now, out);
  }
}

void Peer::learn_endpoint(const Endpoint& from) {
  learned_in_ = 0;
  if (endpoint_ == from) return;
  if (endpoint_ && !is_at(from)) local_.counters.endpoint_changes.add();
  endpoint_ = from;
}

// The way back may have gone: the kernel chooses another, from the same socket.
void Peer::forget_source() noexcept {
  endpoint_.local = IpAddress{};
  // Without it a link-local address names nobody (RFC 4007 6).
  if (!endpoint_.remote.ip.is_link_local()) endpoint_.interface_index = 0;
}

void Peer::transmit(Bytes message, DatagramBatch& out) {
  const MutableBytes datagram = out.append(endpoint_, message.size());
  std::copy(message.begin(), message.end(), datagram.begin());
  count_sent(message.size());
}

void Peer::count_sent(std::size_t datagram_size) noexcept {
  sent_bytes_ += datagram_size;
  local_.counters.sent_datagrams.add();
  local_.counters.sent_datagram_bytes.add(datagram_size);
}

}  // namespace wgr::wireguard
