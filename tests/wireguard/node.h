// A WireGuard device with its surroundings, and packets to send through it.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/endpoint.h"
#include "core/rng.h"
#include "wireguard/device.h"

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

}  // namespace wgr::wireguard
