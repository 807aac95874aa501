#include "tests/support/stack_world.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "slirp/tcp/connection.h"

namespace wgr::sim {

slirp::Config StackWorld::default_config() {
  slirp::Config config;
  config.own_addresses = {IpAddress::v4(10, 0, 0, 1), *IpAddress::parse("fd00::1")};
  return config;
}

StackWorld::StackWorld(slirp::Config config, egress::Policy::Settings policy)
    : stack_(std::make_unique<slirp::Stack>(
          config, sockets, std::make_shared<const egress::Policy>(std::move(policy)), rng_)) {
  internet.run_until(now);
}

StackWorld::~StackWorld() = default;

void StackWorld::send(std::vector<Packet> packets, GuestId guest) {
  std::vector<PacketView> views;
  for (Packet& packet : packets) views.push_back({guest, packet});
  stack_->receive(views, now, out_);
  collect();
  // What the stack was given is gone when receive() returns.
  for (Packet& packet : packets) std::fill(packet.begin(), packet.end(), std::uint8_t{0xdd});
  settle();
}

GuestPacket StackWorld::take_one() {
  std::vector<GuestPacket> packets = take();
  if (packets.size() != 1) {
    throw std::runtime_error("expected one packet, there are " + std::to_string(packets.size()));
  }
  return std::move(packets.front());
}

void StackWorld::set_forwards(std::vector<slirp::ForwardConfig> forwards) {
  stack_->set_forwards(std::move(forwards), now, out_);
  collect();
  settle();
}

void StackWorld::settle() {
  for (int round = 0; step(); ++round) {
    if (round > 1'000'000) throw std::runtime_error("the world does not come to rest");
  }
}

// One round of everything that can happen now; false when nothing did.
bool StackWorld::step() {
  bool is_busy = false;
  if (internet.next_event() <= now) is_busy = true;
  internet.run_until(now);
  for (const auto& [token, ready] : sockets.take_ready()) {
    is_busy = true;
    stack_->socket_ready(token, ready, now, out_);
    collect();
  }
  if (!to_stack_.empty()) {
    is_busy = true;
    std::vector<std::pair<GuestId, Packet>> packets = std::exchange(to_stack_, {});
    std::vector<PacketView> views;
    for (auto& [guest, packet] : packets) views.push_back({guest, packet});
    stack_->receive(views, now, out_);
    collect();
  }
  if (stack_->next_deadline() <= now) {
    is_busy = true;
    stack_->on_deadline(now, out_);
    collect();
  }
  for (GuestTcp* guest : guests_) {
    if (guest->next_deadline() > now) continue;
    is_busy = true;
    guest->on_deadline();
  }
  return is_busy;
}

void StackWorld::collect() {
  std::vector<GuestPacket> packets;
  for (const PacketView& view : out_.packets()) {
    packets.push_back({view.guest, {view.bytes.begin(), view.bytes.end()}});
  }
  out_.clear();
  stack_->end_turn();
  for (GuestPacket& packet : packets) {
    if (passes_to_guest && !passes_to_guest(packet)) continue;
    if (link_latency == Duration{0}) {
      deliver(std::move(packet));
    } else {
      internet.after(link_latency,
                     [this, packet = std::move(packet)]() mutable { deliver(std::move(packet)); });
    }
  }
}

void StackWorld::deliver(GuestPacket packet) {
  for (GuestTcp* guest : guests_) {
    if (guest->takes(packet)) return;
  }
  for (GuestServer* server : servers_) {
    if (server->takes(packet)) return;
  }
  inbox_.push_back(std::move(packet));
}

void StackWorld::queue(Packet packet, GuestId guest) {
  if (link_latency == Duration{0}) {
    to_stack_.emplace_back(guest, std::move(packet));
  } else {
    internet.after(link_latency, [this, guest, packet = std::move(packet)]() mutable {
      to_stack_.emplace_back(guest, std::move(packet));
    });
  }
}

Instant StackWorld::next_event() const {
  Instant next = std::min(internet.next_event(), stack_->next_deadline());
  for (const GuestTcp* guest : guests_) next = std::min(next, guest->next_deadline());
  return next;
}

void StackWorld::advance(Duration by) {
  advance_until([] { return false; }, by);
}

bool StackWorld::advance_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = now + limit;
  settle();
  while (!done()) {
    const Instant next = next_event();
    if (next > end) {
      now = end;
      settle();
      return done();
    }
    now = std::max(now, next);
    settle();
  }
  return true;
}

// --- GuestTcp ----------------------------------------------------------------------------------------

struct GuestTcp::Parts {
  Parts(const slirp::Config& settings, const slirp::FlowKey& key, Instant now)
      : config(settings),
        pool(config.mtu, 1 << 20),
        memory(std::size_t{1} << 40),
        environment{config, pool, counters, memory},
        connection(environment, key, {.sequence = 0xfffff000u, .timestamp_offset = 77}, now) {}
  Parts(const slirp::Config& settings, const slirp::FlowKey& key, const wire::TcpView& syn, Instant now)
      : config(settings),
        pool(config.mtu, 1 << 20),
        memory(std::size_t{1} << 40),
        environment{config, pool, counters, memory},
        connection(environment, key, syn, {.sequence = 0xfffff000u, .timestamp_offset = 77}, now) {}

  slirp::Config config;
  PacketPool pool;
  slirp::tcp::Counters counters;
  slirp::MemoryBudget memory;
  slirp::tcp::Environment environment;
  PacketBatch out;
  slirp::tcp::Connection connection;
};

GuestTcp::GuestTcp(StackWorld& world, const SocketAddress& local, const SocketAddress& remote, GuestId guest,
                   slirp::Config config)
    : world_(world), local_(local), remote_(remote), guest_(guest) {
  // Seen from here the guest is the remote and the server the guest: packets leave from the remote.
  parts_ = std::make_unique<Parts>(config, slirp::FlowKey{guest, remote, local}, world.now);
  world_.guests_.push_back(this);
}

GuestTcp::GuestTcp(StackWorld& world, GuestPacket& syn, const slirp::Config& config)
    : world_(world),
      local_{syn.ip().destination, syn.tcp().destination_port()},
      remote_{syn.ip().source, syn.tcp().source_port()},
      guest_(syn.guest) {
  parts_ = std::make_unique<Parts>(config, slirp::FlowKey{guest_, remote_, local_}, syn.tcp(), world.now);
  world_.guests_.push_back(this);
  parts_->connection.accept(world_.now, parts_->out);
  flush();
}

GuestTcp::~GuestTcp() { std::erase(world_.guests_, this); }

void GuestTcp::connect() {
  parts_->connection.connect(world_.now, parts_->out);
  flush();
}

void GuestTcp::send(Bytes bytes) {
  unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
  pump();
}

void GuestTcp::send_generated(std::uint64_t total, RemoteStream::Fill fill) {
  generated_total_ = total;
  generated_offset_ = 0;
  fill_ = std::move(fill);
  pump();
}

void GuestTcp::finish() {
  finish_wanted_ = true;
  pump();
}

void GuestTcp::abort() {
  parts_->connection.abort(world_.now, parts_->out);
  flush();
}

void GuestTcp::resume_reading() {
  is_paused_ = false;
  pump();
}

bool GuestTcp::takes(GuestPacket& packet) {
  if (packet.guest != guest_ || !packet.is(wire::IpProtocol::kTcp)) return false;
  const wire::TcpView segment = packet.tcp();
  if (packet.ip().destination != local_.ip || packet.ip().source != remote_.ip ||
      segment.destination_port() != local_.port || segment.source_port() != remote_.port) {
    return false;
  }
  if (segment.flags().rst() && parts_->connection.state() == slirp::tcp::State::kSynSent) was_refused_ = true;
  parts_->connection.receive(segment, world_.now, parts_->out);
  pump();
  return true;
}

Instant GuestTcp::next_deadline() const { return parts_->connection.next_deadline(); }

void GuestTcp::on_deadline() {
  parts_->connection.on_deadline(world_.now, parts_->out);
  pump();
}

void GuestTcp::pump() {
  slirp::tcp::Connection& connection = parts_->connection;
  while (!is_paused_ && !connection.readable().empty()) {
    std::size_t size = 0;
    for (const iovec& piece : connection.readable()) {
      const Bytes bytes{static_cast<const std::uint8_t*>(piece.iov_base), piece.iov_len};
      if (keep_received) received_.insert(received_.end(), bytes.begin(), bytes.end());
      if (on_data) on_data(bytes);
      size += bytes.size();
    }
    bytes_received_ += size;
    connection.consume(size, world_.now);
  }
  while (connection.wants_host_data() &&
         (unsent_offset_ < unsent_.size() || generated_offset_ < generated_total_)) {
    std::array<iovec, 64> pieces;
    const std::size_t count = connection.prepare(pieces, 64 * 1024);
    if (count == 0) break;
    std::size_t filled = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const MutableBytes room{static_cast<std::uint8_t*>(pieces[i].iov_base), pieces[i].iov_len};
      std::size_t size = 0;
      if (unsent_offset_ < unsent_.size()) {
        size = std::min(room.size(), unsent_.size() - unsent_offset_);
        std::copy_n(unsent_.begin() + static_cast<std::ptrdiff_t>(unsent_offset_), size, room.begin());
        unsent_offset_ += size;
      } else {
        size = static_cast<std::size_t>(
            std::min<std::uint64_t>(room.size(), generated_total_ - generated_offset_));
        if (size > 0) fill_(generated_offset_, room.first(size));
        generated_offset_ += size;
      }
      filled += size;
      if (size < room.size()) break;
    }
    connection.commit(filled, world_.now, parts_->out);
  }
  if (unsent_offset_ == unsent_.size()) {
    unsent_.clear();
    unsent_offset_ = 0;
  }
  if (finish_wanted_ && !finish_sent_ && unsent_.empty() && generated_offset_ == generated_total_) {
    finish_sent_ = true;
    connection.finish_send(world_.now, parts_->out);
  }
  connection.end_batch(world_.now, parts_->out);
  if (connection.is_receive_finished()) peer_finished_ = true;
  flush();
}

void GuestTcp::flush() {
  for (const PacketView& view : parts_->out.packets()) {
    world_.queue(Packet(view.bytes.begin(), view.bytes.end()), guest_);
  }
  parts_->out.clear();
  parts_->pool.end_turn();
}

bool GuestTcp::is_established() const {
  const auto state = parts_->connection.state();
  return state == slirp::tcp::State::kEstablished || state == slirp::tcp::State::kCloseWait;
}
bool GuestTcp::is_closed() const { return parts_->connection.state() == slirp::tcp::State::kClosed; }
bool GuestTcp::was_reset() const { return parts_->connection.was_reset(); }

// --- GuestServer -------------------------------------------------------------------------------------

GuestServer::GuestServer(StackWorld& world, const SocketAddress& local, GuestId guest, slirp::Config config)
    : world_(world), local_(local), guest_(guest), config_(std::move(config)) {
  world_.servers_.push_back(this);
}

GuestServer::~GuestServer() { std::erase(world_.servers_, this); }

bool GuestServer::takes(GuestPacket& packet) {
  if (packet.guest != guest_ || !packet.is(wire::IpProtocol::kTcp)) return false;
  if (packet.ip().destination != local_.ip || packet.tcp().destination_port() != local_.port) return false;
  if (packet.tcp().flags() != wire::kTcpSyn) return false;
  connections.push_back(std::unique_ptr<GuestTcp>(new GuestTcp(world_, packet, config_)));
  if (on_accept) on_accept(last());
  return true;
}

}  // namespace wgr::sim
