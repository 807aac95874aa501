#include "slirp/dns_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "core/wire/dns.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t kLengthSize = 2;
constexpr std::size_t kReadSize = 16 * 1024;

}  // namespace

// --- guest to upstream ---

egress::IoResult DnsStream::write(std::span<const iovec> from) {
  std::size_t taken = 0;
  for (const iovec& piece : from) {
    Bytes bytes{static_cast<const std::uint8_t*>(piece.iov_base), piece.iov_len};
    while (!bytes.empty()) {
      if (const int error = flush_to_upstream(); error != 0) return {.bytes = taken, .error = error};
      if (to_guest_.size() - to_guest_at_ > kMaxUnread) return {.bytes = taken, .error = ENOBUFS};
      const std::size_t part = query_.take(bytes);
      bytes = bytes.subspan(part);
      taken += part;
      if (query_.is_whole()) dispatch_query();
    }
  }
  // All was taken, so nobody comes back on account of what is left here.
  if (flush_to_upstream() == EAGAIN) upstream_->watch({.writable = true});
  return {.bytes = taken};
}

void DnsStream::shutdown_send() {
  is_guest_finished_ = true;
  if (flush_to_upstream() == EAGAIN) upstream_->watch({.writable = true});
}

void DnsStream::dispatch_query() {
  const auto query = wire::DnsView::parse(query_.message());
  auto answer = query && !query->is_response() ? policy_.answer(*query, wire::kDnsMaxMessage) : std::nullopt;
  if (query) counters_.dns_queries.add();
  if (answer) {
    queue_for_guest(*answer);
  } else {
    assert(to_upstream_at_ == to_upstream_.size());
    to_upstream_.assign(query_.framed().begin(), query_.framed().end());
    to_upstream_at_ = 0;
  }
  query_.clear();
}

int DnsStream::flush_to_upstream() {
  while (to_upstream_at_ < to_upstream_.size()) {
    const iovec piece{.iov_base = to_upstream_.data() + to_upstream_at_,
                      .iov_len = to_upstream_.size() - to_upstream_at_};
    const egress::IoResult result = upstream_->write({&piece, 1});
    to_upstream_at_ += result.bytes;
    if (result.error != 0) return result.would_block() ? EAGAIN : result.error;
    if (result.bytes == 0) return EAGAIN;
  }
  if (is_guest_finished_ && !is_shut_down_) {
    is_shut_down_ = true;
    upstream_->shutdown_send();
  }
  return 0;
}

// --- upstream to guest ---

egress::IoResult DnsStream::read(std::span<const iovec> into) {
  std::array<std::uint8_t, kReadSize> buffer;
  flush_to_upstream();  // an error is the read's too
  std::size_t filled = take_for_guest(into);
  // Whole messages are passed on: read until there is one, and no further than the guest can take.
  while (filled == 0) {
    const iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
    const egress::IoResult result = upstream_->read({&piece, 1});
    Bytes bytes{buffer.data(), result.bytes};
    while (!bytes.empty()) {
      bytes = bytes.subspan(reply_.take(bytes));
      if (reply_.is_whole()) dispatch_reply();
    }
    filled = take_for_guest(into);
    if (filled == 0 && (result.error != 0 || result.is_end)) return result;
    if (filled == 0 && result.bytes == 0) return {.error = EAGAIN};
  }
  return {.bytes = filled};
}

void DnsStream::dispatch_reply() {
  const auto reply = wire::DnsView::parse(reply_.message());
  const auto objection = reply ? policy_.objection(*reply) : std::nullopt;
  if (reply) counters_.dns_answers.add();
  queue_for_guest(objection ? Bytes{*objection} : reply_.message());
  reply_.clear();
}

void DnsStream::queue_for_guest(Bytes message) {
  to_guest_.erase(to_guest_.begin(), to_guest_.begin() + static_cast<std::ptrdiff_t>(to_guest_at_));
  to_guest_at_ = 0;
  std::array<std::uint8_t, kLengthSize> length;
  store_be(length.data(), static_cast<std::uint16_t>(message.size()));
  to_guest_.insert(to_guest_.end(), length.begin(), length.end());
  to_guest_.insert(to_guest_.end(), message.begin(), message.end());
}

std::size_t DnsStream::take_for_guest(std::span<const iovec> into) {
  std::size_t filled = 0;
  for (const iovec& room : into) {
    const std::size_t part = std::min(room.iov_len, to_guest_.size() - to_guest_at_);
    if (part == 0) continue;
    std::memcpy(room.iov_base, to_guest_.data() + to_guest_at_, part);
    to_guest_at_ += part;
    filled += part;
  }
  if (to_guest_at_ == to_guest_.size()) {
    to_guest_.clear();
    to_guest_at_ = 0;
  }
  return filled;
}

}  // namespace wgr::slirp
