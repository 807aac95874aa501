// When frames may leave to one station, so that its receive ring does not overflow.
//
// The ne2k of v86 keeps 52 pages of 256 bytes: 8 full frames, or many small ones. What arrives while they are
// taken is lost in silence, and a browser delivers a whole batch of messages before the emulated processor
// runs again. So frames are charged by pages: `burst_frames` full ones may leave at once, one more per
// `interval`, and two more for each frame that comes from the station, since that proves that its processor
// ran (a TCP receiver acknowledges every second segment). So the rate of a download is clocked by the guest
// itself, and never below one full frame per interval.
//
// Whose ring is small is told by padding: a NIC of that age pads what it sends to 60 bytes, virtio does
// not. Before anything short was seen the ring counts as small.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/time.h"
#include "slirp/lan/config.h"
#include "slirp/lan/frame_store.h"

namespace wgr::slirp::lan {

enum class ReceiveRing : std::uint8_t { kUnknown, kSmall, kLarge };

// What a frame that a station sent tells about its ring; nullopt: nothing, as a long one. REQUIRES: it holds
// an Ethernet header.
std::optional<ReceiveRing> ring_told_by(Bytes frame) noexcept;

class Pacer {
 public:
  // Both outlive the pacer.
  Pacer(const PaceConfig& config, FrameStore& store) : config_(config), store_(store) {}
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;
  ~Pacer() { store_.clear(line_); }

  // The station sent a frame.
  void heard(Bytes frame, Instant now) noexcept;
  ReceiveRing ring() const noexcept { return ring_; }
  bool is_pacing() const noexcept { return ring_ != ReceiveRing::kLarge; }

  // True: a frame of this size may leave now, and is charged. False: it must wait.
  bool try_pass(std::size_t size, Instant now) noexcept;
  // Room in the waiting line; at its bound the oldest gives way. Empty: no memory for it.
  struct Room {
    MutableBytes bytes;
    bool dropped_oldest = false;
  };
  Room wait(std::size_t size);

  // The frame at the front if it may leave now; it is charged, and must be popped.
  std::optional<Bytes> take_due(Instant now) noexcept;
  void pop() { store_.pop(line_); }
  // Forgets what waits: how many frames that were.
  std::size_t clear();
  std::size_t waiting() const noexcept { return line_.size; }

  // When take_due() has something; kNever: nothing waits.
  Instant next_deadline() const noexcept;

 private:
  // What a frame of this size takes from the bucket, as the time that refills it.
  Duration cost(std::size_t size) const noexcept;
  Duration depth() const noexcept;

  const PaceConfig& config_;
  FrameStore& store_;
  ReceiveRing ring_ = ReceiveRing::kUnknown;
  Instant full_at_{};  // when the bucket is full again
  FrameStore::Line line_;
};

}  // namespace wgr::slirp::lan
