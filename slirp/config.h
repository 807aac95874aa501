// Settings of the stack: constant after start unless a comment says otherwise.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.h"
#include "core/time.h"
#include "core/wire/dns.h"

namespace wgr::slirp {

enum class CongestionAlgorithm : std::uint8_t { kCubic, kNewReno, kOff };
// How a guest learns that the host could not connect.
//   kAccurate: refused is RST, unreachable and time-out are the matching ICMP (the default)
//   kIcmp / kRst: always that one     kNone: silence
enum class TcpErrorSignal : std::uint8_t { kAccurate, kIcmp, kRst, kNone };
enum class UdpFiltering : std::uint8_t { kEndpointIndependent, kAddressDependent, kAddressAndPortDependent };

struct TcpConfig {
  std::uint16_t mss_clamp = 0;  // 0: what the MTU allows
  CongestionAlgorithm congestion = CongestionAlgorithm::kCubic;
  TcpErrorSignal error_signal = TcpErrorSignal::kAccurate;
  bool sack = true;
  bool timestamps = true;
  std::uint8_t window_scale = 9;                   // 0..14: up to 32 MiB advertised
  std::size_t initial_window_segments = 10;        // RFC 6928
  std::size_t initial_receive_window = 64 * 1024;  // grows with the measured rate
  std::size_t max_receive_window = 8 * 1024 * 1024;
  std::size_t max_in_flight = 16 * 1024 * 1024;          // towards the guest, per connection
  std::size_t max_out_of_order_bytes = 8 * 1024 * 1024;  // per connection, within the receive window
  Duration ack_delay = std::chrono::milliseconds{10};    // RFC 9293 MUST-40: < 500 ms
  Duration min_rto = std::chrono::milliseconds{200};
  Duration max_rto = std::chrono::seconds{60};
  Duration connect_timeout = std::chrono::seconds{30};  // host connect, per flow
  Duration syn_timeout = std::chrono::seconds{10};      // guest's answer to our SYN-ACK; SYN-ACK is resent
  Duration give_up = std::chrono::seconds{120};         // R2: no progress of retransmissions (SYN: 3 min)
  Duration idle_timeout = std::chrono::hours{2} + std::chrono::minutes{5};  // RFC 5382 REQ-5: >= 2 h 4 min
  Duration keepalive_interval = std::chrono::hours{2};  // probes to the guest before the idle timeout; 0: off
  Duration fin_wait_2_timeout =
      std::chrono::minutes{4};                    // transitory, RFC 5382 REQ-5; half-close in use is not idle
  Duration time_wait = std::chrono::seconds{60};  // 2 MSL, kept as a compact entry
  int host_receive_buffer = 0;                    // 0: kernel autotuning
  int host_send_buffer = 0;
  Duration pace = Duration{0};  // spacing between segments to the guest; 0: none
};

struct UdpConfig {
  UdpFiltering filtering = UdpFiltering::kAddressDependent;
  Duration mapping_timeout = std::chrono::minutes{5};  // RFC 4787 REQ-5: >= 2 min, 5 min recommended
  Duration dns_timeout = std::chrono::seconds{30};     // REQ-5a: destination port 53
};

struct IcmpConfig {
  Duration query_timeout = std::chrono::seconds{60};  // RFC 5508 REQ-2
  std::uint32_t errors_per_second = 50;               // per guest, RFC 1812 4.3.2.8
  std::uint32_t error_burst = 100;
};

// Caps. At a cap a new flow is refused (RST or ICMP 3/13) and counted; live flows are never evicted
// except idle ones of the same guest where said.
struct Limits {
  std::size_t tcp_flows_per_guest = 8192;
  std::size_t tcp_flows = 65536;            // in all, per worker
  std::size_t connecting_per_guest = 1024;  // SYNs whose host connect is pending
  std::size_t connecting = 8192;
  std::size_t udp_flows_per_guest = 2048;  // mappings; the guest's idlest gives way
  std::size_t udp_flows = 32768;
  std::uint32_t udp_mappings_per_second = 200;  // new ones of one guest; beyond, its datagram is refused
  std::uint32_t udp_mapping_burst = 1024;
  std::size_t udp_remotes_per_flow = 1024;
  std::size_t icmp_flows_per_guest = 64;
  std::size_t icmp_flows = 8192;  // in all, per worker
  // Flows of outside clients through forwards; a source is an IPv4 address or an IPv6 /64.
  std::size_t forward_flows_per_source = 1024;
  std::size_t forward_flows_per_forward = 4096;
  std::size_t forward_flows_per_guest = 4096;
  std::size_t forward_flows = 16384;  // in all, per worker
  std::size_t time_wait_entries = 65536;
  std::size_t reassembly_bytes_per_guest = 1024 * 1024;
  std::size_t reassembly_datagrams_per_guest = 64;
  std::size_t reassembly_bytes = 16 * 1024 * 1024;
  std::size_t tcp_memory = 256 * 1024 * 1024;  // segments, pending and out-of-order bytes, per worker
  std::size_t tcp_memory_per_guest = 128 * 1024 * 1024;
};

struct DnsConfig {
  std::vector<SocketAddress> upstreams;        // empty: DNS on the router's addresses is off; may change
  Duration timeout = std::chrono::seconds{2};  // before the next upstream is tried
  std::size_t outstanding_per_guest = 256;
  std::size_t outstanding = 4096;  // in all, per worker
  // Answers with an address of a private or local range are refused: no name of the Internet leads a guest's
  // browser into the networks of the host. Breaks resolvers that serve private names, but for those below
  // `rebind_exceptions`.
  bool rebind_protection = false;
  std::vector<wire::DnsName> rebind_exceptions;
};

struct Config {
  std::uint16_t mtu = 1420;              // of inner packets, both ways, of guests without one of their own
  std::uint16_t max_guest_mtu = 0;       // the largest that a guest may have of its own; 0: mtu
  std::uint8_t ttl = 64;                 // of packets we originate
  bool copy_tos = false;                 // DSCP of the guest's packets onto the replies
  std::vector<IpAddress> own_addresses;  // the router's inner addresses: answer ping and DNS
  TcpConfig tcp;
  UdpConfig udp;
  IcmpConfig icmp;
  Limits limits;
  DnsConfig dns;

  std::uint16_t largest_mtu() const noexcept { return std::max(mtu, max_guest_mtu); }
};

}  // namespace wgr::slirp
