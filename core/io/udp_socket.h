// A UDP socket that moves batches: UDP_GRO in, UDP_SEGMENT out where the kernel has them, plain
// recvmmsg and sendmmsg where not. Probed when opened. A run whose segmentation is refused leaves by plain
// calls, and the kernel fragments what is larger than its path. A refusal that is about segmentation
// itself, not about the path, makes all runs leave so for a minute. Correctness never depends on either.
//
// Thread: opened on the main thread, then confined to its worker.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <span>

#include "core/address.h"
#include "core/counters.h"
#include "core/endpoint.h"
#include "core/histogram.h"
#include "core/time.h"

namespace wgr::io {

struct UdpSocketCounters {
  Counter received_datagrams, received_bytes, receive_calls;
  Counter sent_datagrams, sent_bytes, send_calls;
  Counter send_errors;           // datagrams the kernel refused
  Counter truncated;             // datagrams larger than any buffer of ours
  SizeHistogram received_batch;  // datagrams one call gave, of those that gave any
  SizeHistogram sent_batch;      // datagrams of one run to one endpoint

  template <typename Visitor>
  void visit(Visitor&& visit) const {
    visit("received_datagrams", received_datagrams);
    visit("received_bytes", received_bytes);
    visit("receive_calls", receive_calls);
    visit("sent_datagrams", sent_datagrams);
    visit("sent_bytes", sent_bytes);
    visit("send_calls", send_calls);
    visit("send_errors", send_errors);
    visit("truncated", truncated);
    visit("received_batch", received_batch);
    visit("sent_batch", sent_batch);
  }
};

class UdpSocket {
 public:
  // What one message gave: one datagram, or several of `segment_size` bytes (the last may be shorter).
  struct Received {
    Endpoint from;
    MutableBytes bytes;
    std::size_t segment_size = 0;
  };

  // Throws std::system_error with the address when it cannot be opened or bound. `share_port` puts it
  // into the SO_REUSEPORT group of the address; its place in the group is the order of opening.
  UdpSocket(const SocketAddress& bind, bool share_port);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  int descriptor() const noexcept { return descriptor_; }
  Family family() const noexcept { return family_; }
  SocketAddress local_address() const;
  bool has_gro() const noexcept { return has_gro_; }
  bool has_gso() const noexcept { return has_gso_; }
  // Whether runs leave by UDP_SEGMENT at the moment.
  bool may_segment(Instant now) const noexcept { return has_gso_ && now >= plain_until_; }
  void disable_offloads();  // for comparison: plain calls only

  // What the kernel has, at most one system call's worth; empty when there is nothing. The views are
  // valid until the next call.
  std::span<const Received> receive();
  // Whether the last receive() took as much as a call takes: there may be more.
  bool may_have_more() const noexcept { return may_have_more_; }
  // Sends every run whose endpoint is UDP of this socket's family. What the kernel refuses is counted.
  void send(std::span<const DatagramBatch::Run> runs, Instant now);

  const UdpSocketCounters& counters() const noexcept { return counters_; }

 private:
  static constexpr std::size_t kMaxMessages = 64;
  // Not a power of two, so that buffers do not share their cache sets.
  static constexpr std::size_t kStride = 65536 + 17 * 64;
  static constexpr std::size_t kTurnBytes = 256 * 1024;
  static constexpr std::size_t kControlSize = 128;

  void prepare_messages();
  bool read_message(const mmsghdr& message, MutableBytes buffer, Received& received);
  void send_run(const DatagramBatch::Run& run, Instant now);
  bool is_about_segmentation(int refusal, std::size_t segment) const noexcept;
  int send_segmented(const DatagramBatch::Run& run, bool with_source);
  int send_each(const DatagramBatch::Run& run, bool with_source, std::size_t& sent);

  int descriptor_ = -1;
  Family family_;
  bool has_gro_ = false;
  bool has_gso_ = false;
  Instant plain_until_{};         // no UDP_SEGMENT before
  std::uint8_t* slab_ = nullptr;  // kMaxMessages buffers; pages are touched as they are used
  bool may_have_more_ = false;
  std::size_t wanted_messages_ = 16;  // adapts so that one call gives about kTurnBytes
  std::array<mmsghdr, kMaxMessages> messages_{};
  std::array<iovec, kMaxMessages> vectors_{};
  std::array<sockaddr_storage, kMaxMessages> names_{};
  std::array<std::array<std::uint8_t, kControlSize>, kMaxMessages> controls_{};
  std::array<Received, kMaxMessages> received_{};
  UdpSocketCounters counters_;
};

// Steers the datagrams of a reuseport group to the socket whose place in the group is the low byte of
// the local index a WireGuard message carries (types 2, 3 and 4); others by the kernel's flow hash.
// Classic BPF: no privilege needed. REQUIRES: called on any one socket of the group.
void steer_by_index(const UdpSocket& socket);

}  // namespace wgr::io
