#include "slirp/lan/frame_batch.h"

#include <cassert>

namespace wgr::slirp::lan {

MutableBytes FrameBatch::append(SessionId to, std::size_t size) {
  assert(size > 0 && size <= kChunk);
  if (filled_ + size > kChunk) {
    ++chunk_;
    filled_ = 0;
  }
  while (chunk_ >= chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
  }
  const MutableBytes room{chunks_[chunk_].get() + filled_, size};
  filled_ += size;
  frames_.push_back({to, room});
  return room;
}

void FrameBatch::clear() noexcept {
  frames_.clear();
  chunk_ = 0;
  filled_ = 0;
}

}  // namespace wgr::slirp::lan
