// The packets the stack itself writes for guests: UDP datagrams and echo replies from the network, and ICMP
// errors, and segments that belong to no connection. What is longer than the guest's MTU leaves as fragments.
//
// Thread: confined to the stack.
#pragma once

#include <optional>

#include "core/packet_buffer.h"
#include "core/rng.h"
#include "core/wire/ip.h"
#include "core/wire/tcp.h"
#include "slirp/config.h"
#include "slirp/counters.h"
#include "slirp/fragment.h"
#include "slirp/icmp_error.h"
#include "slirp/udp_headers.h"

namespace wgr::slirp {

struct Guest;

class GuestPackets {
 public:
  // All outlive this object.
  GuestPackets(const Config& config, Counters& counters, Rng& rng)
      : config_(config), counters_(counters), fragmenter_(rng), errors_(config), udp_headers_(config.ttl) {}

  void udp(const Guest& guest, const SocketAddress& from, const SocketAddress& to, Bytes payload,
           std::uint8_t tos, PacketBatch& out);
  void echo_reply(const Guest& guest, const IpAddress& from, const IpAddress& to, std::uint16_t identifier,
                  std::uint16_t sequence, Bytes data, std::uint8_t tos, PacketBatch& out);

  // A segment without data.
  void tcp(const Guest& guest, const wire::TcpHeader& header, const IpAddress& from, const IpAddress& to,
           PacketBatch& out);

  // About a packet that is here, or a quote of one (write_quoted_udp() and its like). `reporter`: who on the
  // way complained; by default the router itself. False if the packet may not be answered or its guest has
  // had its share of errors; that is counted here.
  bool error(const Guest& guest, MutableBytes packet, const IcmpError& error, Instant now, PacketBatch& out,
             const std::optional<IpAddress>& reporter = std::nullopt);

  IcmpErrors& errors() noexcept { return errors_; }

 private:
  // Room behind an IP header, which write_and_push() fills in.
  MutableBytes begin(Family family, std::size_t upper_size, PacketBatch& out);
  void write_and_push(const Guest& guest, MutableBytes packet, const IpAddress& from, const IpAddress& to,
                      wire::IpProtocol protocol, std::uint8_t tos, PacketBatch& out);

  const Config& config_;
  Counters& counters_;
  Fragmenter fragmenter_;
  IcmpErrors errors_;
  UdpHeaders udp_headers_;
};

}  // namespace wgr::slirp
