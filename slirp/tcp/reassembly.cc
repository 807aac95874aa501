#include "slirp/tcp/reassembly.h"

#include <algorithm>
#include <cstring>

namespace wgr::slirp::tcp {

Reassembly::~Reassembly() {
  while (!chunks_.empty()) {
    environment_.return_slot(chunks_.back().buffer);
    chunks_.pop_back();
  }
}

Reassembly::Outcome Reassembly::insert(SeqNumber begin, Bytes bytes) {
  const SeqNumber end = begin + bytes.size();
  // The first chunk that reaches beyond `begin`. Mostly there is none: new data comes at the end.
  std::size_t index = chunks_.size();
  if (!chunks_.empty() && chunks_.back().end() > begin) {
    std::size_t low = 0;
    while (low < index) {
      const std::size_t middle = low + (index - low) / 2;
      if (chunks_[middle].end() <= begin) {
        low = middle + 1;
      } else {
        index = middle;
      }
    }
  }
  Outcome outcome = Outcome::kDuplicate;
  SeqNumber cursor = begin;
  while (cursor < end) {
    if (index < chunks_.size() && chunks_[index].begin <= cursor) {
      cursor = min(end, chunks_[index].end());
      ++index;
      continue;
    }
    const SeqNumber gap_end = index < chunks_.size() ? min(end, chunks_[index].begin) : end;
    const std::size_t wanted = SeqNumber::distance(cursor, gap_end);
    std::size_t created = 0;
    const std::size_t stored =
        add(index, cursor, bytes.subspan(SeqNumber::distance(begin, cursor), wanted), created);
    cursor += stored;
    index += created;
    outcome = Outcome::kStored;
    if (stored < wanted) {
      outcome = Outcome::kRefused;
      break;
    }
  }
  if (outcome != Outcome::kDuplicate && cursor != begin) report({begin, cursor});
  return outcome;
}

// Appends to the chunk at `index` what fits behind its last byte.
std::size_t Reassembly::append(std::size_t index, SeqNumber begin, Bytes bytes) {
  PacketBuffer& buffer = chunks_[index].buffer;
  if (chunks_[index].end() != begin) return 0;
  const std::size_t size = std::min(bytes.size(), buffer.room());
  if (size != 0) std::memcpy(buffer.append(size) + buffer.size() - size, bytes.data(), size);
  return size;
}

std::size_t Reassembly::add(std::size_t index, SeqNumber begin, Bytes bytes, std::size_t& created) {
  const std::size_t most =
      environment_.config.tcp.max_out_of_order_bytes / environment_.pool.payload_capacity() + 1;
  std::size_t stored = index > 0 ? append(index - 1, begin, bytes) : 0;
  while (stored < bytes.size()) {
    if (chunks_.size() >= most) break;
    Chunk chunk{begin + stored, environment_.take_slot()};
    if (!chunk.buffer) break;
    const std::size_t size = std::min(bytes.size() - stored, chunk.buffer.room());
    std::memcpy(chunk.buffer.append(size), bytes.data() + stored, size);
    chunks_.insert(index + created, std::move(chunk));
    stored += size;
    ++created;
  }
  return stored;
}

PacketBuffer Reassembly::take_front() noexcept {
  PacketBuffer buffer = std::move(chunks_.front().buffer);
  chunks_.pop_front();
  return buffer;
}

void Reassembly::advance(SeqNumber next) noexcept {
  const auto kept = std::remove_if(reports_.begin(), reports_.begin() + report_count_,
                                   [next](const SeqRange& range) { return range.end <= next; });
  report_count_ = static_cast<std::uint8_t>(kept - reports_.begin());
}

// The newest first; ranges that touch it become one with it.
void Reassembly::report(SeqRange range) noexcept {
  for (std::size_t i = 0; i < report_count_;) {
    const SeqRange& other = reports_[i];
    if (other.end < range.begin || range.end < other.begin) {
      ++i;
      continue;
    }
    range = {min(range.begin, other.begin), max(range.end, other.end)};
    std::copy(reports_.begin() + static_cast<std::ptrdiff_t>(i) + 1, reports_.begin() + report_count_,
              reports_.begin() + static_cast<std::ptrdiff_t>(i));
    --report_count_;
    i = 0;
  }
  if (report_count_ < kReports) ++report_count_;
  std::copy_backward(reports_.begin(), reports_.begin() + report_count_ - 1,
                     reports_.begin() + report_count_);
  reports_[0] = range;
}

}  // namespace wgr::slirp::tcp
