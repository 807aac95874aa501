#include "slirp/dns_frame.h"

#include <algorithm>
#include <cassert>

namespace wgr::slirp {
namespace {

constexpr std::size_t kLengthSize = 2;

}  // namespace

DnsFrame DnsFrame::of(Bytes message) {
  assert(message.size() <= 0xffff);
  DnsFrame frame;
  frame.bytes_.resize(kLengthSize + message.size());
  store_be(frame.bytes_.data(), static_cast<std::uint16_t>(message.size()));
  std::ranges::copy(message, frame.bytes_.begin() + kLengthSize);
  return frame;
}

std::size_t DnsFrame::size() const noexcept {
  if (bytes_.size() < kLengthSize) return kLengthSize;
  return kLengthSize + load_be<std::uint16_t>(bytes_.data());
}

bool DnsFrame::is_whole() const noexcept { return bytes_.size() >= kLengthSize && bytes_.size() == size(); }

Bytes DnsFrame::message() const noexcept {
  assert(is_whole());
  return Bytes{bytes_}.subspan(kLengthSize);
}

std::size_t DnsFrame::take(Bytes bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !is_whole()) {
    const std::size_t part = std::min(bytes.size() - taken, size() - bytes_.size());
    bytes_.insert(bytes_.end(), bytes.begin() + static_cast<std::ptrdiff_t>(taken),
                  bytes.begin() + static_cast<std::ptrdiff_t>(taken + part));
    taken += part;
  }
  return taken;
}

}  // namespace wgr::slirp
