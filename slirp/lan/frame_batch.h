// Ethernet frames on their way to WebSocket sessions, gathered during one turn, and what else sessions
// have to be told.
//
// Thread: confined to its worker.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/session_id.h"

namespace wgr::slirp::lan {

struct FrameView {
  SessionId to;
  MutableBytes bytes;  // from the destination MAC; no FCS
};

class FrameBatch {
 public:
  FrameBatch() = default;
  FrameBatch(const FrameBatch&) = delete;
  FrameBatch& operator=(const FrameBatch&) = delete;

  // Uninitialized room for the next frame to `to`, valid until clear(). REQUIRES: size > 0.
  MutableBytes append(SessionId to, std::size_t size);
  const std::vector<FrameView>& frames() const noexcept { return frames_; }
  bool empty() const noexcept { return frames_.empty(); }
  // True when it is worth sending before more is added: bounds the memory of one turn.
  bool is_full() const noexcept { return chunk_ >= kFullChunks; }
  // Keeps the memory for the next turn.
  void clear() noexcept;

 private:
  static constexpr std::size_t kChunk = 128 * 1024;
  static constexpr std::size_t kFullChunks = 8;

  std::vector<FrameView> frames_;
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::size_t chunk_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace wgr::slirp::lan
