// Where the datagrams of a WireGuard peer come from and go to, and the batch in which they leave.
//
// Thread: values; a DatagramBatch is confined to its worker.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/guest_id.h"
#include "core/session_id.h"

namespace wgr {

// A UDP address, or a WebSocket session. Never a pointer: a stale endpoint reaches nobody.
//
// All of it is compared: what is equal may leave in one run. That a peer has moved is a matter of remote
// and session alone.
struct Endpoint {
  enum class Kind : std::uint8_t { kNone, kUdp, kSession };

  Kind kind = Kind::kNone;
  WorkerIndex worker = 0;             // kSession: where the session lives
  std::uint16_t socket = 0;           // kUdp: which socket of the worker heard it, and answers; 0 if unknown
  std::uint32_t interface_index = 0;  // kUdp: where the datagram came in; 0 if unknown
  std::uint64_t session = 0;          // kSession: the SessionId's value
  SocketAddress remote;               // kUdp; for kSession the address behind it, for limits and logs
  IpAddress local;  // kUdp: the address that was hit; replies leave from it. Unspecified: any

  static Endpoint udp(const SocketAddress& remote) {
    Endpoint endpoint;
    endpoint.kind = Kind::kUdp;
    endpoint.remote = remote;
    return endpoint;
  }
  static Endpoint of_session(SessionId id, const SocketAddress& source) {
    Endpoint endpoint;
    endpoint.kind = Kind::kSession;
    endpoint.worker = id.worker();
    endpoint.session = id.value();
    endpoint.remote = source;
    return endpoint;
  }
  explicit operator bool() const noexcept { return kind != Kind::kNone; }
  friend bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
};

// Outgoing datagrams. Neighbours to one endpoint with one size (the last may be shorter) lie
// contiguously and form a run: what one sendmsg with UDP_SEGMENT takes.
//
//   run: | segment_size | segment_size | ... | <= segment_size |
class DatagramBatch {
 public:
  static constexpr std::size_t kMaxRunDatagrams = 64;  // UDP_MAX_SEGMENTS of older kernels
  static constexpr std::size_t kMaxRunBytes = 65507;   // 65535 - 20 - 8

  struct Run {
    Endpoint to;
    MutableBytes bytes;
    std::size_t segment_size = 0;
    std::size_t count = 0;
  };

  DatagramBatch() = default;
  DatagramBatch(const DatagramBatch&) = delete;
  DatagramBatch& operator=(const DatagramBatch&) = delete;

  // Uninitialized room for the next datagram to `to`, valid until clear().
  // REQUIRES: 0 < size <= kMaxRunBytes.
  MutableBytes append(const Endpoint& to, std::size_t size) {
    assert(size > 0 && size <= kMaxRunBytes);
    if (size <= open_segment_ && size <= open_room_ && runs_.back().to == to) return extend_run(size);
    return begin_run(to, size);
  }

  // The same for a further datagram to where the last one goes. REQUIRES: !empty().
  MutableBytes append_again(std::size_t size) {
    assert(size > 0 && size <= kMaxRunBytes && !runs_.empty());
    if (size <= open_segment_ && size <= open_room_) return extend_run(size);
    return begin_run(Endpoint{runs_.back().to}, size);
  }

  std::span<const Run> runs() const noexcept { return runs_; }
  bool empty() const noexcept { return runs_.empty(); }
  // True when it is worth sending before more is added: bounds the memory of one turn.
  bool is_full() const noexcept { return chunk_ >= kFullChunks; }
  void clear() noexcept;

 private:
  static constexpr std::size_t kChunk = 128 * 1024;
  static constexpr std::size_t kFullChunks = 4;

  MutableBytes extend_run(std::size_t size) noexcept {
    Run& last = runs_.back();
    std::uint8_t* const start = last.bytes.data() + last.bytes.size();
    last.bytes = {last.bytes.data(), last.bytes.size() + size};
    filled_ += size;
    open_room_ -= size;
    const bool is_closed = ++last.count == kMaxRunDatagrams || size < last.segment_size;
    if (is_closed) open_segment_ = 0;
    return {start, size};
  }
  MutableBytes begin_run(const Endpoint& to, std::size_t size);

  std::vector<Run> runs_;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::size_t chunk_ = 0;
  std::size_t filled_ = 0;
  // What the last run still takes: datagrams up to this size, in all so many bytes of its chunk.
  std::size_t open_segment_ = 0;  // 0: nothing more
  std::size_t open_room_ = 0;
};

}  // namespace wgr
