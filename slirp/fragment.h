// Splits packets the router itself makes when they are longer than the guest's MTU: IPv4 fragments
// (RFC 791 3.2), or IPv6 ones as only a source may make them (RFC 8200 4.5). In order (RFC 4787 REQ-13).
// And IPv4 packets of others on their way from guest to guest.
//
// Thread: confined to one worker.
#pragma once

#include <cstdint>

#include "core/packet_buffer.h"
#include "core/rng.h"

namespace wgr::slirp {

class Fragmenter {
 public:
  // Identifications begin anywhere and count up (RFC 6864, RFC 7739 5.2).
  explicit Fragmenter(Rng& rng) : next_identification_(static_cast<std::uint32_t>(rng.next())) {}

  // Appends `packet` as it is if it fits into `mtu`, and its fragments otherwise. It needs to stay valid
  // until out.clear() only in the first case. A don't-fragment bit is not asked: it is ours.
  // REQUIRES: a well-formed packet of ours, without IPv4 options or IPv6 extension headers; mtu >= 68 (IPv4)
  // or 56 (IPv6).
  void push(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out);

 private:
  void split_v4(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out);
  void split_v6(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out);

  std::uint32_t next_identification_;
};

// A packet that somebody else made, maybe a fragment itself, with its options as RFC 791 3.1 says. What fits
// into `mtu` is passed as it is. REQUIRES: a well-formed IPv4 packet without don't-fragment; mtu >= 68.
void cut_ipv4(GuestId to, MutableBytes packet, std::size_t mtu, PacketBatch& out);

}  // namespace wgr::slirp
