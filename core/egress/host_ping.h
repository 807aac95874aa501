// An ICMP or ICMPv6 echo socket of the host, behind PingSocket. Opened by HostSockets.
//
// A ping socket (SOCK_DGRAM) has an identifier of the kernel and hears only its own replies. A raw
// socket, where that is all the host permits, hears every reply: it uses an identifier of its own, and
// what belongs to others is left aside.
//
// Thread: confined to its worker.
#pragma once

#include <optional>

#include "core/egress/host_counters.h"
#include "core/egress/host_datagram.h"
#include "core/egress/sockets.h"
#include "core/egress/watcher.h"
#include "core/io/descriptor.h"

namespace wgr::egress {

class HostPing final : public PingSocket {
 public:
  // `raw_identifier`: unset for a ping socket. REQUIRES: watched by `watch`; the references live longer.
  HostPing(io::Descriptor descriptor, Watcher::Watch watch, Family family,
           std::optional<std::uint16_t> raw_identifier, DatagramScratch& scratch,
           HostSocketCounters& counters);

  int send(const IpAddress& to, MutableBytes message, std::uint8_t ttl, std::uint8_t tos) override;
  IoResult receive(std::vector<DatagramIn>& into, std::size_t limit) override;
  void receive_errors(std::vector<SocketError>& into) override;
  void watch_readable() override { watch_.ask({.readable = true, .writable = false}); }

 private:
  void set_hop_options(std::uint8_t ttl, std::uint8_t tos);
  std::optional<Bytes> accept(Bytes message) const;
  bool is_ours(Bytes echo) const;

  io::Descriptor descriptor_;
  Watcher::Watch watch_;
  const Family family_;
  const std::optional<std::uint16_t> raw_identifier_;
  DatagramScratch& scratch_;
  HostSocketCounters& counters_;
  std::uint8_t ttl_ = 0;  // what the socket is set to; 0: not yet
  std::uint8_t tos_ = 0;
};

}  // namespace wgr::egress
