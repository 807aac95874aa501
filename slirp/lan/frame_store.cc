#include "slirp/lan/frame_store.h"

#include <cassert>

namespace wgr::slirp::lan {

MutableBytes FrameStore::append(Line& line, std::size_t size) {
  if (bytes_held_ + size > max_bytes_) return {};
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.emplace_back();
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  if (line.size == 0) {
    line.first = at;
  } else {
    nodes_[line.last].next = at;
  }
  line.last = at;
  ++line.size;
  bytes_held_ += size;
  nodes_[at].next = kNone;
  nodes_[at].bytes.resize(size);
  return nodes_[at].bytes;
}

void FrameStore::pop(Line& line) {
  assert(line.size > 0);
  const std::uint32_t at = line.first;
  Node& node = nodes_[at];
  line.first = node.next;
  if (--line.size == 0) line.last = kNone;
  bytes_held_ -= node.bytes.size();
  if (free_.size() >= kKeptNodes) node.bytes = {};
  free_.push_back(at);
}

}  // namespace wgr::slirp::lan
