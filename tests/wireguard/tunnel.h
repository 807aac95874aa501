// Alice and Bob, a device each, and Eve on the wire between them: she sees every datagram, may hold it
// back, and time passes only when a test says so.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/endpoint.h"
#include "core/rng.h"
#include "wireguard/device.h"
#include "wireguard/messages.h"

namespace wgr::wireguard {

using Octets = std::vector<std::uint8_t>;

inline Endpoint udp(const char* text) { return Endpoint::udp(SocketAddress::parse(text).value()); }
inline Octets octets(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// An IPv4 packet of `size` bytes in all, without a checksum.
inline Octets ipv4_packet(const IpAddress& from, const IpAddress& to, std::size_t size) {
  Octets packet(size);
  packet[0] = 0x45;
  store_be(packet.data() + 2, static_cast<std::uint16_t>(size));
  packet[8] = 64;
  packet[9] = 1;
  std::copy_n(from.bytes().begin(), 4, packet.begin() + 12);
  std::copy_n(to.bytes().begin(), 4, packet.begin() + 16);
  for (std::size_t i = 20; i < size; ++i) packet[i] = static_cast<std::uint8_t>(i);
  return packet;
}

inline Octets ipv6_packet(const IpAddress& from, const IpAddress& to, std::size_t size) {
  Octets packet(size);
  packet[0] = 0x60;
  store_be(packet.data() + 4, static_cast<std::uint16_t>(size - 40));
  packet[7] = 64;
  std::copy_n(from.bytes().begin(), 16, packet.begin() + 8);
  std::copy_n(to.bytes().begin(), 16, packet.begin() + 24);
  return packet;
}

// A device with its surroundings: address, inner address, what it received.
class Node {
 public:
  Node(std::string node_name, const char* outer, const char* inner, Instant now, WorkerIndex worker = 0,
       std::size_t handshake_queue = 512)
      : name(std::move(node_name)),
        address(udp(outer)),
        inner_address(IpAddress::parse(inner).value()),
        private_key(generate_private_key()),
        rng(std::hash<std::string>{}(name)),
        worker_index(worker) {
    config.private_key = private_key;
    config.handshake_queue = handshake_queue;
    restart(now);
  }

  // Forgets every session, as a restarted program does. Peers must be added again.
  void restart(Instant now) {
    device = std::make_unique<Device>(config, worker_index, wall(now), now, rng);
    allowed_ips = AllowedIps{};
    directory.clear();
  }

  static WallTime wall(Instant now) {
    return WallTime{std::chrono::seconds{1'700'000'000}} + now.time_since_epoch();
  }

  PublicKey public_key() const { return public_key_of(private_key); }

  // Adds `other` as a peer that owns its inner address. Returns the id it has here.
  GuestId add_peer(const Node& other, Instant now, const std::function<void(PeerConfig&)>& change = {}) {
    PeerConfig peer;
    peer.public_key = other.public_key();
    peer.name = other.name;
    if (change) change(peer);
    const GuestId id{worker_index, ++serial};
    directory.push_back({peer.public_key, id});
    device->set_directory(std::make_shared<const PeerDirectory>(directory));
    device->set_peer(id, peer, now);
    allow(Prefix{other.inner_address, other.inner_address.bit_length()}, id);
    return id;
  }

  void allow(const Prefix& prefix, GuestId id) {
    allowed_ips.insert(prefix, id);
    device->set_allowed_ips(std::make_shared<const AllowedIps>(allowed_ips));
  }

  Device::PeerStatus status_of(GuestId id) const {
    for (const auto& status : device->status()) {
      if (status.id == id) return status;
    }
    return {};
  }

  std::uint64_t dropped(DropReason reason) const { return device->counters().drops.value(reason); }

  std::string name;
  Endpoint address;
  IpAddress inner_address;
  PrivateKey private_key;
  DeviceConfig config;
  Rng rng;
  WorkerIndex worker_index;
  std::uint32_t serial = 0;
  AllowedIps allowed_ips;
  std::vector<PeerDirectory::Entry> directory;
  std::unique_ptr<Device> device;
  DatagramBatch batch;
  Device::Out out{batch};
  std::vector<Octets> packets;  // what came out of the tunnel
};

// A datagram on the wire.
struct OnWire {
  Endpoint from;
  Endpoint to;
  Octets bytes;

  MessageType type() const { return classify(bytes).value(); }
  bool is(MessageType wanted) const { return classify(bytes) == wanted; }
  bool is_keepalive() const { return is(MessageType::kTransport) && bytes.size() == kTransportOverhead; }
};

class Wire {
 public:
  void attach(Node& node) { nodes_.push_back(&node); }

  // Gives `packet` to the peer `id` of the node and delivers all that follows from it.
  void send(Node& node, GuestId id, Bytes packet) {
    node.device->send(id, packet, now, node.out);
    collect(node);
    deliver();
  }
  // A datagram from anywhere into the node.
  void inject(Node& node, const Endpoint& from, Octets bytes) {
    node.device->receive(from, bytes, now, node.out);
    for (const PacketView& packet : node.out.packets) node.packets.push_back(octets(packet.bytes));
    collect(node);
    deliver();
  }

  // Lets time pass, deadline by deadline.
  void advance(Duration by) {
    const Instant end = now + by;
    for (;;) {
      Node* next = nullptr;
      for (Node* node : nodes_) {
        if (next == nullptr || node->device->next_deadline() < next->device->next_deadline()) next = node;
      }
      if (next == nullptr || next->device->next_deadline() > end) break;
      now = std::max(now, next->device->next_deadline());
      next->device->on_deadline(now, next->out);
      collect(*next);
      deliver();
    }
    now = end;
  }

  std::size_t seen(MessageType type) const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const OnWire& each) { return each.is(type); }));
  }
  std::size_t seen_keepalives() const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [](const OnWire& each) { return each.is_keepalive(); }));
  }
  std::size_t seen_from(const Node& node, MessageType type) const {
    return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), [&](const OnWire& each) {
      return each.is(type) && each.from == node.address;
    }));
  }

  Instant now{std::chrono::hours{1}};
  std::vector<OnWire> log;  // everything Eve saw, in order
  std::function<bool(const OnWire&)> passes = [](const OnWire&) { return true; };  // false: lost

  // Moves what the node wants to send onto the wire.
  void collect(Node& node) {
    for (const DatagramBatch::Run& run : node.batch.runs()) {
      for (std::size_t at = 0; at < run.bytes.size(); at += run.segment_size) {
        const std::size_t size = std::min(run.segment_size, run.bytes.size() - at);
        OnWire datagram{node.address, run.to, octets(run.bytes.subspan(at, size))};
        log.push_back(datagram);
        if (passes(datagram)) in_flight_.push_back(std::move(datagram));
      }
    }
    node.batch.clear();
    node.out.clear();
  }

  void deliver() {
    for (int budget = 10'000; !in_flight_.empty() && budget > 0; --budget) {
      OnWire datagram = std::move(in_flight_.front());
      in_flight_.pop_front();
      for (Node* node : nodes_) {
        if (node->address.remote != datagram.to.remote) continue;
        node->device->receive(datagram.from, datagram.bytes, now, node->out);
        for (const PacketView& packet : node->out.packets) node->packets.push_back(octets(packet.bytes));
        collect(*node);
      }
    }
  }

 private:
  std::vector<Node*> nodes_;
  std::deque<OnWire> in_flight_;
};

// The usual two: Alice knows where Bob is, Bob learns where Alice is.
struct Tunnel {
  explicit Tunnel(const std::function<void(PeerConfig&)>& alices_view = {},
                  const std::function<void(PeerConfig&)>& bobs_view = {}) {
    wire.attach(alice);
    wire.attach(bob);
    bob_at_alice = alice.add_peer(bob, wire.now, alices_view);
    alice_at_bob = bob.add_peer(alice, wire.now, bobs_view);
    alice.device->set_endpoint(bob_at_alice, bob.address, EndpointOrigin::kOperator, wire.now);
  }

  Octets ping(std::size_t size = 84) const {
    return ipv4_packet(alice.inner_address, bob.inner_address, size);
  }
  Octets pong(std::size_t size = 84) const {
    return ipv4_packet(bob.inner_address, alice.inner_address, size);
  }
  void alice_sends(std::size_t size = 84) { wire.send(alice, bob_at_alice, ping(size)); }
  void bob_sends(std::size_t size = 84) { wire.send(bob, alice_at_bob, pong(size)); }

  Wire wire;
  Node alice{"alice", "192.0.2.1:1111", "10.0.0.1", wire.now};
  Node bob{"bob", "192.0.2.2:2222", "10.0.0.2", wire.now};
  GuestId bob_at_alice;
  GuestId alice_at_bob;
};

}  // namespace wgr::wireguard
