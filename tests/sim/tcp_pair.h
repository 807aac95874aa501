// Two ends of TCP at simulated time: a guest that opens actively and a router that opens passively, both a
// slirp::tcp::Connection, joined by a Link each way. Both ends check checksums as a guest would; applications
// at both ends send a pattern and compare every byte they receive.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
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
    IpAddress source;
    IpAddress destination;
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

struct PairSettings {
  slirp::Config guest;
  slirp::Config router;
  LinkSettings up;  // guest to router
  LinkSettings down;
  bool is_v6 = false;
  std::uint64_t seed = 1;
  std::uint32_t guest_sequence = 0xfffffff0;  // wraps at once
  std::uint32_t router_sequence = 0xffff0000;
};

class TcpPair {
 public:
  explicit TcpPair(const PairSettings& settings)
      : guest(settings.guest, key(settings.is_v6, /*is_guest=*/true), 1, 2),
        router(settings.router, key(settings.is_v6, /*is_guest=*/false), 2, 1),
        up(settings.up, settings.seed * 2 + 1),
        down(settings.down, settings.seed * 2 + 2),
        settings_(settings) {
    router.passive_initial = {settings.router_sequence, 0xfffffe00};
  }

  void start() {
    guest.connect({settings_.guest_sequence, 0x7ffffff0}, now);
    guest.flush(up, now);
  }

  // One instant at which something happens. False when nothing ever will.
  bool step() {
    const Instant next = std::min(
        {up.next_arrival(), down.next_arrival(), guest.next_deadline(now), router.next_deadline(now)});
    if (next == kNever) return false;
    if (next == now && ++steps_at_now_ > 10000) return stuck = true, false;
    if (next > now) steps_at_now_ = 0;
    now = std::max(now, next);
    if (guest.next_deadline(now) <= now) guest.on_deadline(now);
    if (router.next_deadline(now) <= now) router.on_deadline(now);
    guest.receive(down, now);
    router.receive(up, now);
    guest.run_application(now);
    router.run_application(now);
    guest.flush(up, now);
    router.flush(down, now);
    return true;
  }

  // Until `done` or the time is over; whether `done` came true.
  bool run_until(const std::function<bool()>& done, Duration most) {
    const Instant end = now + most;
    while (!done()) {
      const Instant next = std::min(
          {up.next_arrival(), down.next_arrival(), guest.next_deadline(now), router.next_deadline(now)});
      if (next > end) {
        now = end;
        return done();
      }
      if (!step()) return done();
    }
    return true;
  }
  bool run_for(Duration time) {
    return run_until([] { return false; }, time);
  }

  bool is_transfer_complete() const {
    return guest.received == router.application.to_send && router.received == guest.application.to_send;
  }
  bool is_intact() const { return guest.corrupted_streams == 0 && router.corrupted_streams == 0; }
  bool is_closed() const {
    const auto over = [](State state) { return state == State::kClosed || state == State::kTimeWait; };
    return over(guest.state()) && over(router.state());
  }

  static slirp::FlowKey key(bool is_v6, bool is_guest) {
    const SocketAddress inner{*IpAddress::parse(is_v6 ? "fd00::2" : "10.0.0.2"), 40000};
    const SocketAddress outer{*IpAddress::parse(is_v6 ? "2001:db8::80" : "198.51.100.7"), 443};
    const GuestId guest{0, 1};
    // Each end sends from its `remote` to its `guest_side`.
    return is_guest ? slirp::FlowKey{guest, outer, inner} : slirp::FlowKey{guest, inner, outer};
  }

  TcpEnd guest;
  TcpEnd router;
  Link up;
  Link down;
  Instant now{std::chrono::seconds{1000}};
  bool stuck = false;

 private:
  PairSettings settings_;
  int steps_at_now_ = 0;
};

}  // namespace wgr::sim
