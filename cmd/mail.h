// What one shard sends another during one turn: everything it needs is inside.
#pragma once

#include <cstdint>
#include <vector>

#include "core/endpoint.h"
#include "core/guest_id.h"
#include "wireguard/handshake.h"

namespace wgr {

struct Mail {
  struct Datagram {  // arrived on the wrong worker
    Endpoint from;
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct Packet {  // for a guest of the other worker
    GuestId to;
    std::size_t begin = 0;
    std::size_t size = 0;
  };

  std::vector<std::uint8_t> bytes;
  std::vector<Datagram> datagrams;
  std::vector<Packet> packets;
  std::vector<wireguard::OpenedInitiation> initiations;

  std::size_t weight() const { return datagrams.size() + packets.size() + initiations.size(); }
  bool is_empty() const { return weight() == 0; }
  MutableBytes at(std::size_t begin, std::size_t size) { return MutableBytes{bytes}.subspan(begin, size); }
  std::size_t append(Bytes from) {
    const std::size_t begin = bytes.size();
    bytes.insert(bytes.end(), from.begin(), from.end());
    return begin;
  }
};

}  // namespace wgr
