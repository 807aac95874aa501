// An unconnected UDP socket of the host, behind DatagramSocket. Opened by HostSockets.
//
// Out: neighbours of equal size to one remote leave as one message with UDP_SEGMENT, and up to 64 messages
// of any kind as one sendmmsg. A kernel or path that refuses segmentation gets them one by one.
// With a local address of its own choice a datagram carries PKTINFO.
// In: UDP_GRO where the kernel has it, into memory all sockets of the worker share.
//
// Thread: confined to its worker.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "core/egress/host_counters.h"
#include "core/egress/sockets.h"
#include "core/egress/watcher.h"
#include "core/io/control_messages.h"
#include "core/io/descriptor.h"

namespace wgr::egress {

// Memory the datagram and ping sockets of one worker share; its content is good until the next call.
class DatagramScratch {
 public:
  static constexpr std::size_t kMaxMessage = 65535;  // of UDP, or what GRO merges
  static constexpr std::size_t kReceiveSize = 4 * 65536;
  static constexpr std::size_t kMaxMessages = 64;  // of one sendmmsg
  static constexpr std::size_t kMaxVectors = 512;

  DatagramScratch();

  MutableBytes receive_room() noexcept { return {receive_.get(), kReceiveSize}; }
  MutableBytes error_room() noexcept;

  // What one sendmmsg carries: one entry per message.
  struct Outgoing {
    std::array<mmsghdr, kMaxMessages> messages;
    std::array<sockaddr_storage, kMaxMessages> names;
    std::array<io::ControlBuffer<5>, kMaxMessages> controls;  // segment size, TTL, TOS, local address
    std::array<std::size_t, kMaxMessages> datagrams;
    std::array<iovec, kMaxVectors> vectors;
    std::size_t count = 0;
  };
  Outgoing& outgoing() noexcept { return *outgoing_; }

 private:
  std::unique_ptr<std::uint8_t[]> receive_;
  std::unique_ptr<std::uint8_t[]> errors_;
  std::unique_ptr<Outgoing> outgoing_;
};

class HostDatagram final : public DatagramSocket {
 public:
  // REQUIRES: `descriptor` is bound, with the options of HostSockets::open_udp, and watched by `watch`.
  // `scratch` and `counters` live longer.
  HostDatagram(io::Descriptor descriptor, Watcher::Watch watch, Family family, DatagramScratch& scratch,
               HostSocketCounters& counters);

  IoResult send(std::span<const DatagramOut> datagrams) override;
  IoResult receive(std::vector<DatagramIn>& into, std::size_t limit) override;
  void receive_errors(std::vector<SocketError>& into) override;
  void watch_readable() override { watch_.ask({.readable = true, .writable = false}); }
  SocketAddress local_address() const override;

  // For comparison: one datagram per message.
  void disable_segmentation() noexcept { max_segment_ = 0; }

 private:
  std::size_t run_length(std::span<const DatagramOut> datagrams) const;
  void plan(std::span<const DatagramOut> datagrams);
  void add_message(std::span<const DatagramOut> run, std::size_t& vectors);
  void set_dont_fragment(bool dont_fragment);
  void segmentation_refused(int error, std::size_t segment);
  std::size_t append(const msghdr& message, MutableBytes payload, std::vector<DatagramIn>& into);

  io::Descriptor descriptor_;
  Watcher::Watch watch_;
  const Family family_;
  DatagramScratch& scratch_;
  HostSocketCounters& counters_;
  std::size_t max_segment_ = DatagramScratch::kMaxMessage;  // larger ones were refused; 0: none may be
  bool dont_fragment_ = false;
};

}  // namespace wgr::egress
