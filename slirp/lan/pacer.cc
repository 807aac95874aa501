#include "slirp/lan/pacer.h"

#include <algorithm>

#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"

namespace wgr::slirp::lan {
namespace {

constexpr std::size_t kPage = 256;         // of the ring of an ne2k
constexpr std::size_t kRingHeader = 4;     // which it writes before each frame
constexpr Duration::rep kPagesOfFull = 6;  // 1514 bytes and that header
constexpr int kFramesPerFrameHeard = 2;    // RFC 9293 3.8.6.3: an acknowledgement for every second segment

constexpr std::size_t kLongestPadded = 64;  // some count a checksum in that is not there

}  // namespace

std::optional<ReceiveRing> ring_told_by(Bytes frame) noexcept {
  if (frame.size() < wire::kEthernetMinFrame) return ReceiveRing::kLarge;
  if (frame.size() > kLongestPadded) return std::nullopt;
  const Bytes payload = frame.subspan(wire::kEthernetHeaderSize);
  const auto type = static_cast<wire::EtherType>(load_be<std::uint16_t>(frame.data() + 12));
  if (type == wire::EtherType::kArp) return ReceiveRing::kSmall;
  if (type != wire::EtherType::kIpv4) return std::nullopt;
  const std::size_t told = load_be<std::uint16_t>(payload.data() + 2);
  if (told + wire::kEthernetHeaderSize < wire::kEthernetMinFrame) return ReceiveRing::kSmall;
  return std::nullopt;
}

void Pacer::heard(Bytes frame, Instant now) noexcept {
  if (frame.size() <= kLongestPadded) ring_ = ring_told_by(frame).value_or(ring_);
  if (full_at_ > now) full_at_ = std::max(now, full_at_ - kFramesPerFrameHeard * config_.interval);
}

Duration Pacer::depth() const noexcept {
  return config_.interval * static_cast<Duration::rep>(std::max<std::size_t>(config_.burst_frames, 1));
}

Duration Pacer::cost(std::size_t size) const noexcept {
  const std::size_t pages = (size + kRingHeader + kPage - 1) / kPage;
  // A frame larger than the whole burst leaves alone.
  return std::min(Duration{config_.interval * static_cast<Duration::rep>(pages) / kPagesOfFull}, depth());
}

bool Pacer::try_pass(std::size_t size, Instant now) noexcept {
  if (line_.size > 0) return false;
  if (!is_pacing()) return true;
  const Instant full_at = std::max(full_at_, now) + cost(size);
  if (full_at - now > depth()) return false;
  full_at_ = full_at;
  return true;
}

Pacer::Room Pacer::wait(std::size_t size) {
  const bool is_full = line_.size > 0 && line_.size >= config_.queue_frames;
  if (is_full) store_.pop(line_);
  return {store_.append(line_, size), is_full};
}

std::optional<Bytes> Pacer::take_due(Instant now) noexcept {
  if (line_.size == 0) return std::nullopt;
  const Bytes frame = store_.front(line_);
  if (!is_pacing()) return frame;
  const Instant full_at = std::max(full_at_, now) + cost(frame.size());
  if (full_at - now > depth()) return std::nullopt;
  full_at_ = full_at;
  return frame;
}

std::size_t Pacer::clear() {
  const std::size_t count = line_.size;
  store_.clear(line_);
  return count;
}

Instant Pacer::next_deadline() const noexcept {
  if (line_.size == 0) return kNever;
  if (!is_pacing()) return Instant{};
  return full_at_ + cost(store_.front(line_).size()) - depth();
}

}  // namespace wgr::slirp::lan
