// One end of TCP at simulated time: a slirp::tcp::Connection that checks checksums as a guest would, and an
// application that sends a pattern and compares every byte it receives.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"
#include "slirp/tcp/connection.h"
#include "tests/sim/link.h"

namespace wgr::sim {

using slirp::tcp::Connection;
using slirp::tcp::State;

// Byte `offset` of the stream `stream`.
inline std::uint8_t pattern(std::uint64_t stream, std::uint64_t offset) {
  std::uint64_t x = (offset >> 3) * 0x9e3779b97f4a7c15u + stream;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  return static_cast<std::uint8_t>(x >> (8 * (offset & 7)));
}

// What one application wants.
struct Application {
  std::uint64_t to_send = 0;
  bool close_after_sending = true;
  std::uint64_t stall_at = UINT64_MAX;  // stops reading after so many bytes ...
  Instant stall_until{};                // ... until then
  std::size_t read_size = 256 * 1024;   // most taken at a time
  std::size_t write_size = 64 * 1024;   // most given at a time
};

class TcpEnd {
 public:
  TcpEnd(slirp::Config config, const slirp::FlowKey& key, std::uint64_t send_stream,
         std::uint64_t receive_stream)
      : config_(config), key_(key), send_stream_(send_stream), receive_stream_(receive_stream) {}
  ~TcpEnd() { connection_.reset(); }

  void connect(slirp::tcp::InitialNumbers initial, Instant now) {
    connection_ = std::make_unique<Connection>(environment_, key_, initial, now);
    connection_->connect(now, out_);
  }

  // Everything that has arrived; one batch, as the stack does it.
  void receive(Link& link, Instant now) {
    std::vector<std::vector<std::uint8_t>> batch;
    while (auto bytes = link.receive(now)) batch.push_back(std::move(*bytes));
    for (auto& bytes : batch) receive_packet(bytes, now);
    if (!batch.empty()) run_application(now);
  }

  void run_application(Instant now) {
    if (!connection_) return;
    read(now);
    write(now);
    connection_->end_batch(now, out_);
    read(now);
    if (connection_->is_receive_finished()) end_of_stream = true;
  }

  void flush(Link& link, Instant now) {
    for (const PacketView& packet : out_.packets()) {
      largest_packet = std::max(largest_packet, packet.bytes.size());
      link.send(packet.bytes, now);
    }
    out_.clear();
    pool_.end_turn();
  }

  Instant next_deadline(Instant now) const {
    Instant next = connection_ ? connection_->next_deadline() : kNever;
    if (application.stall_until > now && received >= application.stall_at)
      next = std::min(next, application.stall_until);
    return next;
  }

  void on_deadline(Instant now) {
    if (!connection_) return;
    connection_->on_deadline(now, out_);
    run_application(now);
  }

  bool has_sent_all() const { return sent == application.to_send; }
  State state() const { return connection_ ? connection_->state() : State::kClosed; }
  Connection& connection() { return *connection_; }
  bool is_open() const { return connection_ != nullptr; }
  slirp::tcp::Counters& counters() { return counters_; }
  PacketPool& pool() { return pool_; }
  slirp::MemoryBudget& memory() { return memory_; }
  PacketBatch& out() { return out_; }

  Application application;
  slirp::tcp::InitialNumbers passive_initial{0x12345678, 77};
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t corrupted_streams = 0;
  std::uint64_t bad_checksums = 0;
  std::size_t largest_packet = 0;
  std::size_t most_memory = 0;
  bool end_of_stream = false;

 private:
  void receive_packet(MutableBytes bytes, Instant now) {
    MutableBytes segment;
    IpAddress source, destination;
    if (!bytes.empty() && bytes[0] >> 4 == 4) {
      const auto ip = wire::Ipv4View::parse(bytes);
      if (!ip || !ip->checksum_is_valid()) return count_bad();
      segment = ip->payload();
      source = ip->source();
      destination = ip->destination();
    } else {
      const auto ip = wire::Ipv6View::parse(bytes);
      if (!ip) return count_bad();
      segment = ip->payload();
      source = ip->source();
      destination = ip->destination();
    }
    if (source != key_.guest_side.ip || destination != key_.remote.ip) return count_bad();
    const auto tcp = wire::TcpView::parse(segment);
    if (!tcp || !tcp->checksum_is_valid(source, destination)) return count_bad();
    if (tcp->source_port() != key_.guest_side.port || tcp->destination_port() != key_.remote.port)
      return count_bad();
    if (!connection_) {
      if (!tcp->flags().syn() || tcp->flags().ack()) return;
      connection_ = std::make_unique<Connection>(environment_, key_, *tcp, passive_initial, now);
      connection_->accept(now, out_);
      return;
    }
    connection_->receive(*tcp, now, out_);
    most_memory = std::max(most_memory, memory_.used());
  }
  void count_bad() { ++bad_checksums; }

  void read(Instant now) {
    for (;;) {
      if (received >= application.stall_at && now < application.stall_until) return;
      std::size_t taken = 0;
      for (const iovec& piece : connection_->readable()) {
        const std::size_t size = std::min(piece.iov_len, application.read_size - taken);
        const auto* bytes = static_cast<const std::uint8_t*>(piece.iov_base);
        for (std::size_t i = 0; i < size; ++i) {
          if (bytes[i] != pattern(receive_stream_, received + taken + i)) ++corrupted_streams;
        }
        taken += size;
        if (taken == application.read_size) break;
      }
      if (taken == 0) return;
      received += taken;
      connection_->consume(taken, now);
    }
  }

  void write(Instant now) {
    while (sent < application.to_send && connection_->wants_host_data()) {
      iovec pieces[64];
      const std::size_t count = connection_->prepare(
          pieces, std::min<std::uint64_t>(application.write_size, application.to_send - sent));
      std::size_t given = 0;
      for (std::size_t i = 0; i < count; ++i) {
        auto* bytes = static_cast<std::uint8_t*>(pieces[i].iov_base);
        for (std::size_t j = 0; j < pieces[i].iov_len; ++j)
          bytes[j] = pattern(send_stream_, sent + given + j);
        given += pieces[i].iov_len;
      }
      if (given == 0) break;
      sent += given;
      connection_->commit(given, now, out_);
    }
    most_memory = std::max(most_memory, memory_.used());
    if (sent == application.to_send && application.close_after_sending && !finished_) {
      const State state = connection_->state();
      if (state == State::kEstablished || state == State::kCloseWait) {
        finished_ = true;
        connection_->finish_send(now, out_);
      }
    }
  }

  slirp::Config config_;
  slirp::FlowKey key_;
  PacketPool pool_{config_.mtu, 1 << 17};
  slirp::tcp::Counters counters_;
  slirp::MemoryBudget memory_{config_.limits.tcp_memory};
  slirp::tcp::Environment environment_{config_, pool_, counters_, memory_};
  PacketBatch out_;
  std::uint64_t send_stream_;
  std::uint64_t receive_stream_;
  bool finished_ = false;
  std::unique_ptr<Connection> connection_;
};

}  // namespace wgr::sim
