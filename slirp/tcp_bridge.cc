#include "slirp/tcp_bridge.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>

namespace wgr::slirp {

namespace {

constexpr std::size_t kReadSize = 64 * 1024;              // one readv
constexpr std::size_t kReadPerFlow = 2 * kReadSize;       // in one turn: others want the worker too
constexpr std::size_t kReadPerBatch = 16 * kReadPerFlow;  // by all flows a batch has touched
constexpr std::size_t kMaxPieces = 64;
constexpr Duration kStarvedRetry = std::chrono::milliseconds{20};

std::size_t total_size(std::span<const iovec> pieces) {
  std::size_t size = 0;
  for (const iovec& piece : pieces) size += piece.iov_len;
  return size;
}

bool is_of(const FlowKey& key, GuestId guest, const wire::IpView& packet, const wire::TcpView& segment) {
  return key.guest_side.port == segment.source_port() && key.remote.port == segment.destination_port() &&
         key.guest == guest && key.guest_side.ip == packet.source && key.remote.ip == packet.destination;
}

}  // namespace

TcpBridge::TcpBridge(const BridgeEnvironment& environment)
    : environment_(environment),
      flows_(environment.hash, FlowKind::kTcp, &Guest::tcp),
      strangers_(environment) {}

void TcpBridge::receive(Guest& guest, const wire::IpView& packet, const wire::TcpView& segment,
                        bool is_own_address, Instant now, PacketBatch& out) {
  if (last_ != nullptr && is_of(last_->key, guest.id, packet, segment)) {
    assert(last_->is_touched);
    environment_.counters.tcp.packets_sent.add();
    return last_->connection.receive(segment, now, out);
  }
  const FlowKey key{
      guest.id, {packet.source, segment.source_port()}, {packet.destination, segment.destination_port()}};
  if (key.guest_side.port == 0 || key.remote.port == 0) {
    return environment_.counters.drops.count(DropReason::kDestinationInvalid);
  }
  environment_.counters.tcp.packets_sent.add();
  if (TcpFlow* flow = flows_.find(key)) {
    last_ = flow;
    touch(*flow);
    flow->connection.receive(segment, now, out);
  } else if (strangers_.admits(guest, key, packet, segment, now, out)) {
    open(guest, key, packet, segment, is_own_address, now, out);
  }
}

std::size_t TcpBridge::receive_followers(GuestId guest, const wire::IpView& packet,
                                         const wire::TcpView& first, std::span<const MutableBytes> payloads,
                                         Instant now) {
  if (last_ == nullptr || !is_of(last_->key, guest, packet, first)) return 0;
  const std::size_t taken = last_->connection.receive_followers(first, payloads, now);
  environment_.counters.tcp.packets_sent.add(taken);
  return taken;
}

void TcpBridge::touch(TcpFlow& flow) {
  if (flow.is_touched) return;
  flow.is_touched = true;
  touched_.push_back(&flow);
}

void TcpBridge::end_batch(Instant now, PacketBatch& out) {
  read_budget_ = kReadPerBatch;
  // Only what happens here closes a touched flow, and only itself.
  for (TcpFlow* flow : touched_) {
    flow->is_touched = false;
    move_bytes(*flow, now, out);
  }
  touched_.clear();
  last_ = nullptr;
}

void TcpBridge::move_bytes(TcpFlow& flow, Instant now, PacketBatch& out) {
  if (flow.is_connected) {
    write_to_host(flow, now);
    if (flow.is_dns && !flow.is_host_finished) flow.has_host_data = true;  // an answer of our own, perhaps
    if (flow.is_host_broken && flow.is_host_finished) {
      flow.connection.abort(now, out);  // it had said all it had to say, and takes no more
    } else if (flow.has_host_data) {
      read_from_host(flow, now, out);
    } else if (!flow.is_host_finished && flow.connection.wants_host_data()) {
      watch(flow, {.readable = true});
    }
  }
  flow.connection.end_batch(now, out);
  settle(flow, now);
}

void TcpBridge::write_to_host(TcpFlow& flow, Instant now) {
  if (flow.is_host_broken || flow.is_watching_write) return;
  for (;;) {
    std::span<const iovec> pieces = flow.connection.readable();
    if (pieces.empty()) return;
    pieces = pieces.first(std::min<std::size_t>(pieces.size(), IOV_MAX));
    const std::size_t offered = total_size(pieces);
    const egress::IoResult result = flow.socket->write(pieces);
    if (result.bytes > 0) {
      environment_.counters.tcp.bytes_sent.add(result.bytes);
      flow.connection.consume(result.bytes, now);
      if (flow.is_lingering) flow.began = now;  // a slow remote that reads on is owed the rest
    }
    if (result.bytes == offered) continue;
    if (result.error == 0 || result.would_block()) {
      environment_.counters.pending_blocked.add();
      return watch(flow, {.writable = true});
    }
    // The remote has gone. It may have said why before it went: read on, then reset.
    environment_.counters.tcp.errors.add();
    environment_.counters.pending_dropped.add(total_size(flow.connection.readable()));
    flow.is_host_broken = true;
    flow.has_host_data = true;
    return;
  }
}

void TcpBridge::read_from_host(TcpFlow& flow, Instant now, PacketBatch& out) {
  tcp::Connection& connection = flow.connection;
  std::size_t budget = std::min(kReadPerFlow, read_budget_);
  while (!flow.is_host_finished && connection.wants_host_data()) {
    if (budget == 0) return watch(flow, {.readable = true});
    std::array<iovec, kMaxPieces> pieces;
    const std::size_t count = connection.prepare(pieces, std::min(kReadSize, budget));
    if (count == 0) break;
    const std::span<const iovec> room{pieces.data(), count};
    const egress::IoResult result = flow.socket->read(room);
    connection.commit(result.bytes, now, out);
    environment_.counters.tcp.bytes_received.add(result.bytes);
    budget -= std::min(budget, result.bytes);
    read_budget_ -= std::min(read_budget_, result.bytes);
    if (result.is_end && !flow.is_host_broken) {
      flow.is_host_finished = true;
      flow.has_host_data = false;
      return connection.finish_send(now, out);
    }
    if (result.error != 0 || result.is_end) {
      if (result.would_block() && !flow.is_host_broken) {
        flow.has_host_data = false;
        return watch(flow, {.readable = true});
      }
      environment_.counters.tcp.errors.add();
      flow.is_host_broken = true;
      flow.is_host_finished = true;
      flow.has_host_data = false;
      return connection.abort(now, out);
    }
    if (result.bytes < total_size(room)) {
      flow.has_host_data = false;
      return watch(flow, {.readable = true});
    }
  }
  note_if_starved(flow, now);
}

// No acknowledgement of its own brings back a flow that waits for memory which others hold.
void TcpBridge::note_if_starved(TcpFlow& flow, Instant now) {
  if (flow.is_host_finished || flow.is_starved) return;
  const tcp::Environment& memory = flow.guest->tcp_environment;
  const bool is_short = memory.memory.available() < 2 * memory.slot_cost() ||
                        memory.pool.slots_in_use() + 2 > memory.pool.max_slots();
  if (!is_short) return;
  flow.is_starved = true;
  starved_.push_back(flow.token);
  if (retry_starved_ == kNever) retry_starved_ = now + kStarvedRetry;
}

void TcpBridge::socket_ready(FlowToken token, egress::Ready ready, Instant now, PacketBatch& out) {
  TcpFlow* flow = flows_.at(token);
  if (flow == nullptr || !flow->socket) return;
  if (!flow->is_connected) {
    flow->is_watching_write = false;
    return dial_finished(*flow, flow->socket->connect_result(), now, out);
  }
  if (ready.writable && flow->is_watching_write) {
    flow->is_watching_write = false;
    environment_.counters.pending_flushed.add();
  }
  if (ready.readable) {
    flow->is_watching_read = false;
    flow->has_host_data = true;
  }
  read_budget_ = kReadPerFlow;
  move_bytes(*flow, now, out);
}

void TcpBridge::settle(TcpFlow& flow, Instant now) {
  tcp::Connection& connection = flow.connection;
  if (connection.is_receive_finished() && flow.is_connected && !flow.is_guest_finished) {
    flow.is_guest_finished = true;
    flow.socket->shutdown_send();
  }
  if (connection.state() == tcp::State::kClosed) {
    if (!flow.is_connected) environment_.counters.dial_abandoned.add();
    if (connection.was_reset() && flow.socket) flow.socket->reset_on_close();
    if (connection.was_reset() || connection.is_done() || flow.is_host_broken) return close(flow);
    // The guest has gone in order; what it sent is still owed to the remote.
    if (!flow.is_lingering) flow.began = now;
    flow.is_lingering = true;
  } else if (connection.may_retire() && flow.is_guest_finished) {
    strangers_.retire(*flow.guest, connection, now);
    return close(flow);
  }
  Instant deadline = connection.next_deadline();
  if (!flow.is_connected) deadline = std::min(deadline, flow.began + environment_.config.tcp.connect_timeout);
  if (flow.is_lingering)
    deadline = std::min(deadline, flow.began + environment_.config.tcp.fin_wait_2_timeout);
  environment_.deadlines.arm(flow.token, deadline, flow.queued);
}

void TcpBridge::on_deadline(FlowToken token, Instant now, PacketBatch& out) {
  TcpFlow* flow = flows_.at(token);
  if (flow == nullptr) return;
  flow->queued = kNever;
  const TcpConfig& config = environment_.config.tcp;
  if (!flow->is_connected && flow->began + config.connect_timeout <= now) {
    return dial_failed(*flow, HostFailure::kTimedOut, now, out);
  }
  if (flow->is_lingering && flow->began + config.fin_wait_2_timeout <= now) {
    environment_.counters.pending_dropped.add(total_size(flow->connection.readable()));
    flow->socket->reset_on_close();
    return close(*flow);
  }
  flow->connection.on_deadline(now, out);
  read_budget_ = kReadPerFlow;
  move_bytes(*flow, now, out);
}

Instant TcpBridge::next_deadline() const noexcept {
  return std::min(strangers_.next_deadline(), retry_starved_);
}

void TcpBridge::on_deadline(Instant now, PacketBatch& out) {
  strangers_.on_deadline(now);
  if (retry_starved_ > now) return;
  retry_starved_ = kNever;
  // A flow that is still starved stands behind those that were not asked yet.
  for (std::size_t waiting = starved_.size(); waiting > 0; --waiting) {
    const FlowToken token = starved_.front();
    starved_.pop_front();
    TcpFlow* flow = flows_.at(token);
    if (flow == nullptr) continue;
    flow->is_starved = false;
    read_budget_ = kReadPerFlow;
    move_bytes(*flow, now, out);
  }
}

void TcpBridge::receive_error(Guest& guest, const wire::IcmpView& error, const wire::QuotedPacket& quoted,
                              Instant now, PacketBatch& out) {
  // Our segment: its source is the remote, its destination the guest.
  const FlowKey key{
      guest.id, {quoted.destination, quoted.destination_port()}, {quoted.source, quoted.source_port()}};
  TcpFlow* flow = flows_.find(key);
  // RFC 5927 4.1: what is not in flight was not complained about.
  if (flow == nullptr || !flow->connection.is_in_flight(quoted.tcp_sequence())) {
    return environment_.counters.drops.count(DropReason::kIcmpUnmatched);
  }
  // Any other error is soft (RFC 5382 REQ-10): retransmission will tell.
  const std::optional<std::uint32_t> mtu = error.mtu();
  const std::size_t least = error.family() == Family::kV4 ? wire::kIpv4MinMtu : wire::kIpv6MinMtu;
  if (!mtu || *mtu < least) return;
  touch(*flow);
  flow->connection.path_mtu_changed(static_cast<std::uint16_t>(std::min<std::uint32_t>(*mtu, 65535)), now,
                                    out);
}

void TcpBridge::watch(TcpFlow& flow, egress::Ready interest) {
  interest.readable = interest.readable && !flow.is_watching_read;
  interest.writable = interest.writable && !flow.is_watching_write;
  if (!interest.readable && !interest.writable) return;
  if (interest.readable) flow.is_watching_read = true;
  if (interest.writable) flow.is_watching_write = true;
  flow.socket->watch(interest);
}

void TcpBridge::remove_guest(Guest& guest) {
  while (TcpFlow* flow = flows_.oldest(guest)) {
    if (flow->socket) flow->socket->reset_on_close();
    close(*flow);
  }
  strangers_.remove_guest(guest);
}

void TcpBridge::close(TcpFlow& flow) {
  if (!flow.is_connected) end_dial(flow);
  if (last_ == &flow) last_ = nullptr;
  flows_.erase(flow);
  environment_.counters.tcp.flows_closed.add();
  environment_.counters.tcp.flows_active.subtract();
}

}  // namespace wgr::slirp
