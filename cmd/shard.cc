#include "cmd/shard.h"

#include <algorithm>
#include <utility>

#include "core/wire/ip.h"

namespace wgr {
namespace {

// Packets at the front that go to one guest; few enough that a batch of datagrams stays bounded.
struct RunToGuest {
  std::size_t packets = 0;
  std::size_t bytes = 0;
};

RunToGuest run_to_guest(std::span<const PacketView> packets) {
  constexpr std::size_t kMaxRun = 64;
  RunToGuest run;
  for (const PacketView& packet : packets.first(std::min(packets.size(), kMaxRun))) {
    if (packet.guest != packets.front().guest) break;
    ++run.packets;
    run.bytes += packet.bytes.size();
  }
  return run;
}

}  // namespace

Shard::Shard(WorkerIndex index, const Settings& settings, egress::Sockets& sockets, Rng& rng,
             WallTime wall_now, Instant now)
    : index_(index),
      peer_mtu_(static_cast<std::uint16_t>(settings.device.mtu)),
      pcap_(settings.pcap),
      wall_began_(wall_now),
      began_(now),
      routes_(settings.routes),
      stack_(settings.stack, sockets, settings.policy, rng),
      device_(settings.device, index, wall_now, now, rng),
      lan_(index, settings.workers, settings.networks, rng, wall_now, now),
      device_out_(outbox_.datagrams) {
  outbox_.mail.resize(settings.workers);
  device_.set_directory(settings.directory);
  device_.set_allowed_ips(routes_->allowed_ips());
}

// --- what comes in ---

void Shard::receive(const Endpoint& from, MutableBytes datagrams, std::size_t segment_size, Instant now) {
  device_.receive(from, datagrams, segment_size, now, device_out_);
}

void Shard::datagrams_received(const Endpoint& session, std::span<const MutableBytes> datagrams,
                               Instant now) {
  for (const MutableBytes datagram : datagrams) receive(session, datagram, now);
  end_batch(now);
}

void Shard::end_batch(Instant now) {
  count_from_guests(device_out_.packets, now);
  if (routes_->peers_reach_guests()) forward_to_guests(now);
  if (!device_out_.packets.empty()) stack_.receive(device_out_.packets, now, packets_);
  device_out_.packets.clear();
  take_station_packets(now);
  stage_mail();
}

// Takes out of the batch what goes to other guests.
void Shard::forward_to_guests(Instant now) {
  std::erase_if(device_out_.packets,
                [this, now](const PacketView& packet) { return forward(kNoNetwork, packet, now); });
}

void Shard::take_mail(Mail& mail, Instant now) {
  counters_.mail_received.add(mail.weight());
  for (const Mail::Datagram& datagram : mail.datagrams) {
    device_.receive(datagram.from, mail.at(datagram.piece), now, device_out_);
  }
  for (const auto& initiation : mail.initiations) device_.receive(initiation, now, device_out_);
  for (const Mail::Packet& packet : mail.packets) {
    device_.send(packet.to, mail.at(packet.piece), now, device_out_);
  }
  take_lan_mail(mail, now);
  // One hop at most: what the second worker cannot place is dropped.
  counters_.drops.count(DropReason::kIndexUnknown, device_out_.stray_datagrams.size());
  device_out_.stray_datagrams.clear();
  end_batch(now);
}

void Shard::socket_ready(egress::SocketToken token, egress::Ready ready, Instant now) {
  stack_.socket_ready(token, ready, now, packets_);
}

Instant Shard::next_deadline() const {
  return std::min({device_.next_deadline(), stack_.next_deadline(), lan_.next_deadline()});
}

void Shard::on_deadline(Instant now) {
  device_.on_deadline(now, device_out_);
  stack_.on_deadline(now, packets_);
  lan_.on_deadline(now);
  note_stations();
}

// Guest to guest: one hop less to live, so that loops end. False: the packet is the stack's, which also
// answers what must not be forwarded: a packet that is no IP packet, or whose time to live ends here.
bool Shard::forward(NetworkIndex from, const PacketView& packet, Instant now) {
  const auto ends = wire::IpEnds::parse(packet.bytes);
  if (!ends || wire::hops_left(packet.bytes) <= 1) return false;
  const NextHop hop = routes_->next_hop(from, ends->destination);
  if (hop.kind == NextHop::Kind::kStack) return false;
  if (hop.kind == NextHop::Kind::kRefused) {
    counters_.drops.count(DropReason::kStationIsolated);
    return true;
  }
  wire::decrement_hops(packet.bytes);
  const std::uint16_t mtu = hop.kind == NextHop::Kind::kPeer ? peer_mtu_ : hop.mtu;
  if (packet.bytes.size() <= mtu) {
    send_on(hop, packet, now);
    return true;
  }
  stack_.cut_or_refuse(packet.guest, packet, mtu, now, fragments_, packets_);
  for (const PacketView& fragment : fragments_.packets()) send_on(hop, fragment, now);
  fragments_.clear();
  return true;
}

void Shard::send_on(const NextHop& hop, const PacketView& packet, Instant now) {
  counters_.overlay_packets.add();
  counters_.overlay_bytes.add(packet.bytes.size());
  if (hop.kind == NextHop::Kind::kPeer) {
    forward_to_peer(hop.peer, packet, now);
  } else {
    forward_to_network(hop, packet, now);
  }
}

void Shard::forward_to_peer(GuestId to, const PacketView& packet, Instant now) {
  if (to.home() == index_) {
    device_.send(to, packet.bytes, now, device_out_);
    return;
  }
  Mail& mail = outbox_.mail[to.home()];
  mail.packets.push_back({packet.guest, to, mail.append(packet.bytes)});
}

// Copies what belongs to other workers: the views end with this batch.
void Shard::stage_mail() {
  for (const wireguard::StrayDatagram& stray : device_out_.stray_datagrams) {
    if (stray.home >= outbox_.mail.size()) {
      counters_.drops.count(DropReason::kIndexUnknown);
      continue;
    }
    Mail& mail = outbox_.mail[stray.home];
    mail.datagrams.push_back({stray.from, mail.append(stray.bytes)});
  }
  device_out_.stray_datagrams.clear();
  for (auto& initiation : device_out_.stray_initiations) {
    outbox_.mail[initiation.peer.home()].initiations.push_back(std::move(initiation));
  }
  device_out_.stray_initiations.clear();
}

void Shard::count_from_guests(std::span<const PacketView> packets, Instant now) {
  std::uint64_t bytes = 0;
  for (const PacketView& packet : packets) {
    bytes += packet.bytes.size();
    if (pcap_ != nullptr) capture(packet.bytes, now);
  }
  counters_.packets_from_guests.add(packets.size());
  counters_.bytes_from_guests.add(bytes);
}

void Shard::capture(Bytes packet, Instant now) { pcap_->write(packet, wall_began_ + (now - began_)); }

// --- what goes out ---

bool Shard::seal(Instant now) {
  const auto packets = packets_.packets();
  const std::size_t first = sealed_;
  std::uint64_t bytes = 0;
  while (sealed_ < packets.size() && !outbox_.datagrams.is_full() && !lan_.frames().is_full()) {
    const auto [run_packets, run_bytes] = run_to_guest(packets.subspan(sealed_));
    const auto run = packets.subspan(sealed_, run_packets);
    bytes += run_bytes;
    if (pcap_ != nullptr) {
      for (const PacketView& packet : run) capture(packet.bytes, now);
    }
    if (run.front().guest.is_station()) {
      send_to_station(run, now);
    } else {
      device_.send(run, now, device_out_);
    }
    sealed_ += run.size();
  }
  counters_.packets_to_guests.add(sealed_ - first);
  counters_.bytes_to_guests.add(bytes);
  stage_session_mail();
  if (sealed_ < packets.size()) return true;
  packets_.clear();
  sealed_ = 0;
  stack_.end_turn();
  return false;
}

void Shard::count_mail(bool was_taken, std::size_t weight) {
  if (was_taken) {
    counters_.mail_sent.add(weight);
  } else {
    counters_.drops.count(DropReason::kMailboxFull, weight);
  }
}

// --- control ---

void Shard::set_routes(std::shared_ptr<const Routes> routes) {
  routes_ = std::move(routes);
  device_.set_allowed_ips(routes_->allowed_ips());
}

void Shard::remove_peer(GuestId peer) {
  stack_.remove_guest(peer);
  device_.remove_peer(peer);
}

}  // namespace wgr
