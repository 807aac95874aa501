#include "core/endpoint.h"

#include <cassert>

namespace wgr {

MutableBytes DatagramBatch::append(const Endpoint& to, std::size_t size) {
  assert(size > 0 && size <= kMaxRunBytes);
  const bool fits = chunk_ < chunks_.size() && filled_ + size <= kChunk;
  if (fits && !runs_.empty()) {
    Run& last = runs_.back();
    const bool is_open = last.bytes.size() == last.segment_size * last.count;  // no shorter one has closed it
    const bool is_adjacent = last.bytes.data() + last.bytes.size() == chunks_[chunk_].get() + filled_;
    if (is_open && is_adjacent && size <= last.segment_size && last.count < kMaxRunDatagrams &&
        last.bytes.size() + size <= kMaxRunBytes && last.to == to) {
      std::uint8_t* const start = chunks_[chunk_].get() + filled_;
      filled_ += size;
      last.bytes = {last.bytes.data(), last.bytes.size() + size};
      ++last.count;
      return {start, size};
    }
  }
  if (chunk_ < chunks_.size() && !fits) {
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
  return {start, size};
}

void DatagramBatch::clear() noexcept {
  runs_.clear();
  if (chunks_.size() > kFullChunks + 1) chunks_.resize(kFullChunks + 1);
  chunk_ = 0;
  filled_ = 0;
}

}  // namespace wgr
