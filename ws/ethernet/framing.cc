#include "ws/ethernet/framing.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace wgr::ws::ethernet {
namespace {

constexpr std::string_view kPing = "ping:";
constexpr std::size_t kReserveAtOnce = 2048;  // of a frame that has only been announced
constexpr std::size_t kKeptCompleted = 8;     // entries of the vector between turns

}  // namespace

std::optional<Bytes> ping_payload(Bytes text) noexcept {
  if (text.size() < kPing.size() || text.size() > kMaxPing) return std::nullopt;
  if (!std::equal(kPing.begin(), kPing.end(), text.begin())) return std::nullopt;
  return text.subspan(kPing.size());
}

std::array<std::uint8_t, kQemuLengthSize> qemu_length(std::size_t size) noexcept {
  assert(size <= kMaxFrame);
  std::array<std::uint8_t, kQemuLengthSize> length;
  store_be(length.data(), static_cast<std::uint32_t>(size));
  return length;
}

bool QemuStream::receive(MutableBytes bytes, std::vector<MutableBytes>& frames) {
  while (!bytes.empty() && !is_broken_) {
    if (!in_frame_) {
      if (!take_length(bytes)) break;
      continue;
    }
    const std::size_t size = std::min(bytes.size(), frame_size_ - gathered_.size());
    const MutableBytes piece = bytes.first(size);
    bytes = bytes.subspan(size);
    if (gathered_.empty() && size == frame_size_) {
      frames.push_back(piece);
      in_frame_ = false;
      continue;
    }
    gather(piece);
    if (gathered_.size() < frame_size_) break;
    completed_.push_back(std::exchange(gathered_, {}));
    frames.push_back(completed_.back());
    in_frame_ = false;
  }
  return !is_broken_;
}

// False: no frame begins here yet, or ever.
bool QemuStream::take_length(MutableBytes& bytes) {
  while (!bytes.empty() && length_size_ < kQemuLengthSize) {
    length_[length_size_++] = bytes.front();
    bytes = bytes.subspan(1);
  }
  if (length_size_ < kQemuLengthSize) return false;
  length_size_ = 0;
  frame_size_ = load_be<std::uint32_t>(length_.data());
  is_broken_ = frame_size_ > kMaxFrame;
  in_frame_ = !is_broken_ && frame_size_ > 0;
  return !is_broken_;
}

// Memory follows what has come, not what was announced.
void QemuStream::gather(Bytes piece) {
  const std::size_t size = gathered_.size() + piece.size();
  if (size > gathered_.capacity()) {
    gathered_.reserve(std::min(frame_size_, std::max(2 * size, kReserveAtOnce)));
  }
  gathered_.insert(gathered_.end(), piece.begin(), piece.end());
}

void QemuStream::end_turn() noexcept {
  completed_.clear();
  if (completed_.capacity() > kKeptCompleted) std::vector<std::vector<std::uint8_t>>().swap(completed_);
}

}  // namespace wgr::ws::ethernet
