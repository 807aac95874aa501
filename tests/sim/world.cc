#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/wire/ip.h"
#include "wireguard/crypto.h"

namespace wgr::sim {
namespace {

constexpr WallTime kWallBegan{std::chrono::seconds{1'700'000'000}};

WallTime wall_at(Instant now) { return kWallBegan + now.time_since_epoch(); }

}  // namespace

KeyPair KeyPair::from_number(std::uint8_t number) {
  KeyPair pair;
  for (std::size_t i = 0; i < pair.private_key.size(); ++i) {
    pair.private_key.data()[i] = static_cast<std::uint8_t>(number * 31 + i * 7 + 1);
  }
  pair.private_key.data()[0] &= 0xf8;
  pair.private_key.data()[31] = static_cast<std::uint8_t>((pair.private_key.data()[31] & 0x7f) | 0x40);
  pair.public_key = wireguard::public_key_of(pair.private_key);
  return pair;
}

// --- GuestStream ---

void GuestStream::send(Bytes bytes) { to_send_.insert(to_send_.end(), bytes.begin(), bytes.end()); }
void GuestStream::finish() { is_finishing_ = true; }
void GuestStream::abort() { is_aborting_ = true; }

bool GuestStream::is_established() const {
  const auto state = connection_->state();
  return state != slirp::tcp::State::kSynSent && state != slirp::tcp::State::kClosed;
}

bool GuestStream::is_closed() const {
  return connection_->state() == slirp::tcp::State::kClosed ||
         connection_->state() == slirp::tcp::State::kTimeWait;
}

// What a program with a select loop does: reads what is there, writes what may go.
void GuestStream::pump(Instant now, PacketBatch& out) {
  if (is_aborting_ && !was_reset_) {
    connection_->abort(now, out);
    was_reset_ = true;
  }
  if (is_reading_) {
    std::size_t taken = 0;
    for (const iovec& piece : connection_->readable()) {
      const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
      received_.insert(received_.end(), from, from + piece.iov_len);
      taken += piece.iov_len;
    }
    if (taken > 0) connection_->consume(taken, now);
  }
  connection_->end_batch(now, out);
  is_remote_finished_ = is_remote_finished_ || connection_->is_receive_finished();
  was_reset_ = was_reset_ || connection_->was_reset();

  while (!to_send_.empty() && connection_->wants_host_data()) {
    std::array<iovec, 64> room;
    const std::size_t pieces = connection_->prepare(room, to_send_.size());
    std::size_t filled = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
      const std::size_t size = std::min(room[i].iov_len, to_send_.size());
      std::copy_n(to_send_.begin(), size, static_cast<std::uint8_t*>(room[i].iov_base));
      to_send_.erase(to_send_.begin(), to_send_.begin() + static_cast<std::ptrdiff_t>(size));
      filled += size;
    }
    connection_->commit(filled, now, out);
    if (filled == 0) break;
  }
  if (is_finishing_ && to_send_.empty() && !has_finished_ && is_established()) {
    connection_->finish_send(now, out);
    has_finished_ = true;
  }
}

// --- Guest ---

Guest::Guest(World& world, const Settings& settings)
    : world_(world),
      settings_(settings),
      keys_(KeyPair::from_number(settings.number)),
      outer_{IpAddress::v4(198, 51, 100, settings.number), 51821},
      rng_(world.settings_.seed * 1000 + settings.number),
      up_(settings.up, world.settings_.seed * 77 + settings.number),
      down_(settings.down, world.settings_.seed * 91 + settings.number),
      device_out_(datagrams_),
      pool_(settings.tcp.mtu, 65536),
      memory_(256 * 1024 * 1024),
      environment_{settings_.tcp, pool_, tcp_counters_, memory_} {
  make_device();
}

void Guest::make_device() {
  wireguard::DeviceConfig config;
  config.private_key = keys_.private_key;
  config.mtu = settings_.tcp.mtu;
  device_ =
      std::make_unique<wireguard::Device>(config, WorkerIndex{0}, wall_at(world_.now()), world_.now(), rng_);

  const wireguard::PeerDirectory::Entry entry{world_.router_keys().public_key, kRouterPeer};
  device_->set_directory(std::make_shared<wireguard::PeerDirectory>(std::span{&entry, 1}));
  auto allowed_ips = std::make_shared<wireguard::AllowedIps>();
  allowed_ips->insert(*Prefix::parse("0.0.0.0/0"), kRouterPeer);
  allowed_ips->insert(*Prefix::parse("::/0"), kRouterPeer);
  device_->set_allowed_ips(allowed_ips);
  wireguard::PeerConfig router;
  router.public_key = world_.router_keys().public_key;
  router.preshared_key =
      settings_.guest_preshared_key ? settings_.guest_preshared_key : settings_.preshared_key;
  router.persistent_keepalive = settings_.persistent_keepalive;
  device_->set_peer(kRouterPeer, router, world_.now());
  device_->set_endpoint(kRouterPeer, Endpoint::udp(World::router_address()),
                        wireguard::EndpointOrigin::kOperator, world_.now());
}

void Guest::restart_device() { make_device(); }

IpAddress Guest::v6() const { return *IpAddress::parse("fd86::" + std::to_string(settings_.number)); }

GuestStream& Guest::connect(const SocketAddress& remote) {
  const std::uint16_t port = next_port_++;
  GuestStream& stream = streams_[port];
  // The connection writes packets to `guest_side` from `remote`: seen from here that is the server and us.
  const slirp::FlowKey key{kRouterPeer, remote, {remote.ip.is_v4() ? v4() : v6(), port}};
  const slirp::tcp::InitialNumbers initial{static_cast<std::uint32_t>(rng_.next()),
                                           static_cast<std::uint32_t>(rng_.next())};
  stream.connection_ = std::make_unique<slirp::tcp::Connection>(environment_, key, initial, world_.now());
  stream.connection_->connect(world_.now(), packets_out_);
  return stream;
}

void Guest::send_packet(Bytes packet) {
  const MutableBytes copy = packets_out_.allocate(packet.size());
  std::copy(packet.begin(), packet.end(), copy.begin());
  packets_out_.push(kRouterPeer, copy);
}

void Guest::receive(MutableBytes datagram, Instant now) {
  device_->receive(Endpoint::udp(World::router_address()), datagram, now, device_out_);
  for (const PacketView& packet : device_out_.packets) deliver(packet.bytes, now);
  device_out_.packets.clear();
}

void Guest::deliver(MutableBytes bytes, Instant now) {
  const auto packet = wire::IpView::parse(bytes);
  if (packet && packet->protocol == wire::IpProtocol::kTcp && !packet->is_fragment) {
    if (const auto segment = wire::TcpView::parse(packet->payload)) {
      const auto stream = streams_.find(segment->destination_port());
      if (stream != streams_.end()) {
        stream->second.connection_->receive(*segment, now, packets_out_);
        stream->second.pump(now, packets_out_);
        return;
      }
    }
  }
  packets_.emplace_back(bytes.begin(), bytes.end());
}

Instant Guest::next_deadline() const {
  Instant next = device_->next_deadline();
  for (const auto& [port, stream] : streams_) next = std::min(next, stream.connection_->next_deadline());
  return next;
}

void Guest::on_deadline(Instant now) {
  device_->on_deadline(now, device_out_);
  for (auto& [port, stream] : streams_) {
    if (stream.connection_->next_deadline() <= now) stream.connection_->on_deadline(now, packets_out_);
  }
}

void Guest::flush(Instant now) {
  for (auto& [port, stream] : streams_) stream.pump(now, packets_out_);
  for (const PacketView& packet : packets_out_.packets())
    device_->send(kRouterPeer, packet.bytes, now, device_out_);
  packets_out_.clear();
  pool_.end_turn();
  for (const DatagramBatch::Run& run : datagrams_.runs()) {
    for (std::size_t begin = 0; begin < run.bytes.size(); begin += run.segment_size) {
      up_.send(run.bytes.subspan(begin, std::min(run.segment_size, run.bytes.size() - begin)), now);
    }
  }
  datagrams_.clear();
}

// --- World ---

World::World(Settings settings) : settings_(std::move(settings)), book_(settings_.workers) { make_router(); }
World::~World() = default;

void World::make_router() {
  workers_.clear();
  Shard::Settings shard;
  shard.device.private_key = keys_.private_key;
  shard.device.mtu = settings_.stack.mtu;
  shard.stack = settings_.stack;
  shard.policy = std::make_shared<egress::Policy>(settings_.policy);
  shard.routes =
      std::make_shared<Routes>(book_.allowed_ips(), settings_.overlay, settings_.stack.own_addresses);
  shard.directory = book_.directory();
  shard.workers = settings_.workers;
  for (std::size_t i = 0; i < settings_.workers; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->rng = Rng{settings_.seed * 13 + i};
    worker->sockets = std::make_unique<SimSockets>(internet_);
    worker->shard = std::make_unique<Shard>(static_cast<WorkerIndex>(i), shard, *worker->sockets, worker->rng,
                                            wall_at(now_), now_);
    workers_.push_back(std::move(worker));
  }
}

void World::restart_router() {
  make_router();
  tell_peers();
}

void World::tell_peers() {
  for (const auto& [key, entry] : book_.entries()) {
    workers_[entry.id.home()]->shard->device().set_peer(entry.id, entry.config, now_);
  }
  const auto routes =
      std::make_shared<Routes>(book_.allowed_ips(), settings_.overlay, settings_.stack.own_addresses);
  for (const auto& worker : workers_) {
    worker->shard->device().set_directory(book_.directory());
    worker->shard->set_routes(routes);
  }
}

Guest& World::add_guest(const Guest::Settings& settings) {
  guests_.push_back(std::unique_ptr<Guest>(new Guest{*this, settings}));
  Guest& guest = *guests_.back();
  std::vector<wireguard::PeerConfig> peers;
  for (const auto& [key, entry] : book_.entries()) peers.push_back(entry.config);
  wireguard::PeerConfig peer;
  peer.public_key = guest.keys_.public_key;
  peer.preshared_key = settings.preshared_key;
  peer.allowed_ips = settings.allowed_ips;
  if (peer.allowed_ips.empty()) peer.allowed_ips = {Prefix{guest.v4(), 32}, Prefix{guest.v6(), 128}};
  peers.push_back(peer);
  book_.apply(peers);
  guest.id_ = book_.entries().at(peer.public_key).id;
  tell_peers();
  return guest;
}

std::size_t World::active_flows() const {
  std::size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->shard->stack().active_flows();
  return sum;
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const Instant end = now_ + limit;
  run_events();
  while (!done()) {
    const Instant next = next_event();
    if (next > end) {
      now_ = end;
      run_events();
      return done();
    }
    now_ = std::max(now_, next);
    run_events();
  }
  return true;
}

Instant World::next_event() const {
  Instant next = internet_.next_event();
  for (const auto& worker : workers_) {
    next = std::min(next, worker->shard->next_deadline());
    if (worker->sockets->has_ready()) next = now_;
  }
  for (const auto& guest : guests_) {
    next = std::min({next, guest->next_deadline(), guest->up_.next_arrival(), guest->down_.next_arrival()});
  }
  return next;
}

void World::run_events() {
  internet_.run_until(now_);
  for (const auto& worker : workers_) {
    for (const auto& [token, ready] : worker->sockets->take_ready())
      worker->shard->socket_ready(token, ready, now_);
    if (worker->shard->next_deadline() <= now_) worker->shard->on_deadline(now_);
  }
  for (const auto& guest : guests_) {
    while (auto datagram = guest->up_.receive(now_)) arrive_at_router(guest->outer_, *datagram);
  }
  flush_router();
  for (const auto& guest : guests_) {
    while (auto datagram = guest->down_.receive(now_)) guest->receive(*datagram, now_);
    if (guest->next_deadline() <= now_) guest->on_deadline(now_);
    guest->flush(now_);
  }
}

// The kernel's part: the low byte of the index names the worker, strays go by a hash of the source.
void World::arrive_at_router(const SocketAddress& from, MutableBytes datagram) {
  std::size_t worker = from.port % workers_.size();
  if (datagram.size() >= 12 && (datagram[0] == 3 || datagram[0] == 4)) worker = datagram[4];
  if (datagram.size() >= 12 && datagram[0] == 2) worker = datagram[8];
  if (worker >= workers_.size()) worker = 0;
  Shard& shard = *workers_[worker]->shard;
  shard.receive(Endpoint::udp(from), datagram, now_);
  shard.end_batch(now_);
}

void World::flush_router() {
  for (bool more = true; more;) {
    more = false;
    for (const auto& worker : workers_) {
      Shard& shard = *worker->shard;
      more = shard.seal(now_) || more;
      for (const DatagramBatch::Run& run : shard.outbox().datagrams.runs()) {
        Guest* const guest = guest_at(run.to.remote);
        for (std::size_t begin = 0; guest != nullptr && begin < run.bytes.size(); begin += run.segment_size) {
          guest->down_.send(run.bytes.subspan(begin, std::min(run.segment_size, run.bytes.size() - begin)),
                            now_);
        }
      }
      shard.outbox().datagrams.clear();
      for (std::size_t to = 0; to < workers_.size(); ++to) {
        if (shard.outbox().mail[to].is_empty()) continue;
        Mail mail = std::exchange(shard.outbox().mail[to], Mail{});
        workers_[to]->shard->take_mail(mail, now_);
        more = true;
      }
    }
  }
}

Guest* World::guest_at(const SocketAddress& outer) {
  for (const auto& guest : guests_) {
    if (guest->outer_ == outer) return guest.get();
  }
  return nullptr;  // nobody lives there any more
}

}  // namespace wgr::sim
