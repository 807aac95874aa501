#include "core/endpoint.h"

#include <algorithm>

namespace wgr {

MutableBytes DatagramBatch::begin_run(const Endpoint& to, std::size_t size) {
  if (chunk_ < chunks_.size() && filled_ + size > kChunk) {
    ++chunk_;
    filled_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(kChunk));
    filled_ = 0;
  }
  std::uint8_t* const start = chunks_[chunk_].get() + filled_;
  filled_ += size;
  runs_.push_back({to, {start, size}, size, 1});
  open_segment_ = size;
  open_room_ = std::min(kMaxRunBytes - size, kChunk - filled_);
  return {start, size};
}

void DatagramBatch::clear() noexcept {
  runs_.clear();
  if (chunks_.size() > kFullChunks + 1) chunks_.resize(kFullChunks + 1);
  chunk_ = 0;
  filled_ = 0;
  open_segment_ = 0;
  open_room_ = 0;
}

}  // namespace wgr
