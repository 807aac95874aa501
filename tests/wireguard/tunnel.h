// Alice and Bob, a device each, and Eve on the wire between them: she sees every datagram, may hold it
// back, and time passes only when a test says so.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "core/endpoint.h"
#include "tests/wireguard/node.h"
#include "wireguard/device.h"
#include "wireguard/messages.h"

namespace wgr::wireguard {

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
