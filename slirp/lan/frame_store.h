// The frames of one virtual LAN that wait for a station, as lists in one pool: an idle station costs
// nothing, and all stations together hold a bounded number of bytes.
//
// Thread: confined to its owner.
#pragma once

#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace wgr::slirp::lan {

class FrameStore {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // One waiting line, oldest first. It must be emptied before it is destroyed.
  struct Line {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t size = 0;
  };

  explicit FrameStore(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  FrameStore(const FrameStore&) = delete;
  FrameStore& operator=(const FrameStore&) = delete;

  // Room for a frame at the end of the line, valid until it is taken out; empty: the store is full.
  MutableBytes append(Line& line, std::size_t size);
  // REQUIRES: line.size > 0.
  Bytes front(const Line& line) const { return nodes_[line.first].bytes; }
  void pop(Line& line);
  void clear(Line& line) {
    while (line.size > 0) pop(line);
  }

  std::size_t bytes_held() const noexcept { return bytes_held_; }

 private:
  // Memory of free nodes beyond these is given back.
  static constexpr std::size_t kKeptNodes = 1024;

  struct Node {
    std::vector<std::uint8_t> bytes;
    std::uint32_t next = kNone;
  };

  const std::size_t max_bytes_;
  std::size_t bytes_held_ = 0;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
};

}  // namespace wgr::slirp::lan
