#include "slirp/assembly.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "core/wire/checksum.h"

namespace wgr::slirp {
namespace {

constexpr std::size_t kHeaderRoom = 256;  // headers beyond that are refused
constexpr std::size_t kGrowth = 2048;

constexpr std::size_t capacity_for(std::size_t end) {
  return kHeaderRoom + (end + kGrowth - 1) / kGrowth * kGrowth;
}

std::uint32_t end_of(const wire::IpFragment& fragment) {
  return fragment.offset + static_cast<std::uint32_t>(fragment.data.size());
}

}  // namespace

Assembly::Assembly(const wire::IpView& fragment, Instant deadline) noexcept
    : family_(fragment.family),
      protocol_(fragment.fragment.protocol),
      identification_(fragment.fragment.identification),
      source_(fragment.source),
      destination_(fragment.destination),
      deadline_(deadline) {}

bool Assembly::owns(const wire::IpView& fragment) const noexcept {
  return fragment.fragment.identification == identification_ && fragment.family == family_ &&
         // RFC 8200 4.5: only the first fragment's next header counts, the others' may differ.
         (family_ == Family::kV6 || fragment.fragment.protocol == protocol_) && fragment.source == source_ &&
         fragment.destination == destination_;
}

std::size_t Assembly::memory_with(const wire::IpView& fragment) const noexcept {
  return std::max(capacity_, capacity_for(end_of(fragment.fragment)));
}

Assembly::Verdict Assembly::add(const wire::IpView& ip) {
  const wire::IpFragment& fragment = ip.fragment;
  assert(owns(ip) && !abandoned_ && !fragment.data.empty());
  const std::uint32_t end = end_of(fragment);
  if (!fits_known_end(fragment, end)) return Verdict::kOverlap;
  const std::size_t headers = ip.packet.size() - fragment.data.size();
  if (fragment.offset == 0 && headers > kHeaderRoom) return Verdict::kMalformed;

  grow(memory_with(ip));
  const Verdict verdict = insert({fragment.offset, end}, fragment.data);
  if (verdict != Verdict::kAdded) return verdict;
  if (fragment.offset == 0) keep_headers(ip);
  if (!fragment.more) end_ = end;
  const bool is_complete = end_ != 0 && range_count_ == 1 && ranges_[0].begin == 0 && ranges_[0].end == end_;
  return is_complete ? Verdict::kComplete : Verdict::kAdded;
}

// There is one end, the last fragment tells it, and nothing lies behind it.
bool Assembly::fits_known_end(const wire::IpFragment& fragment, std::uint32_t end) const noexcept {
  if (end_ != 0) return fragment.more ? end < end_ : end == end_;
  return fragment.more || range_count_ == 0 || ranges_[range_count_ - 1].end <= end;
}

Assembly::Verdict Assembly::insert(Range range, Bytes data) noexcept {
  std::uint8_t* const place = buffer_.get() + kHeaderRoom + range.begin;
  Range* const begin = ranges_.data();
  Range* const last = begin + range_count_;
  // The first range that ends behind our begin: the only one that can overlap, or lie behind us.
  Range* const next = std::find_if(begin, last, [&](const Range& other) { return other.end > range.begin; });
  if (next != last && next->begin < range.end) {
    const bool is_here = next->begin <= range.begin && range.end <= next->end;
    return is_here && std::memcmp(place, data.data(), data.size()) == 0 ? Verdict::kDuplicate
                                                                        : Verdict::kOverlap;
  }
  const bool touches_next = next != last && next->begin == range.end;
  const bool touches_previous = next != begin && (next - 1)->end == range.begin;
  if (!touches_next && !touches_previous) {
    if (range_count_ == ranges_.size()) return Verdict::kTooManyHoles;
    std::move_backward(next, last, last + 1);
    *next = range;
    ++range_count_;
  } else if (touches_next && touches_previous) {
    (next - 1)->end = next->end;
    std::move(next + 1, last, next);
    --range_count_;
  } else if (touches_next) {
    next->begin = range.begin;
  } else {
    (next - 1)->end = range.end;
  }
  std::memcpy(place, data.data(), data.size());
  return Verdict::kAdded;
}

void Assembly::keep_headers(const wire::IpView& ip) noexcept {
  first_data_size_ = ip.fragment.data.size();
  headers_size_ = ip.packet.size() - first_data_size_;
  repeated_length_ = ip.fragment.repeated_length;
  next_header_field_offset_ = ip.fragment.next_header_field_offset;
  upper_protocol_ = ip.fragment.protocol;
  std::memcpy(buffer_.get() + kHeaderRoom - headers_size_, ip.packet.data(), headers_size_);
}

void Assembly::grow(std::size_t capacity) {
  if (capacity <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  // Only what is here is copied: the rest was never written.
  if (headers_size_ != 0) {
    const std::size_t at = kHeaderRoom - headers_size_;
    std::memcpy(larger.get() + at, buffer_.get() + at, headers_size_);
  }
  for (std::size_t i = 0; i < range_count_; ++i) {
    const std::size_t at = kHeaderRoom + ranges_[i].begin;
    std::memcpy(larger.get() + at, buffer_.get() + at, ranges_[i].end - ranges_[i].begin);
  }
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

Result<wire::IpView> Assembly::finish() noexcept {
  std::uint8_t* const data = buffer_.get() + kHeaderRoom;
  std::uint8_t* const header = data - repeated_length_;
  const std::size_t size = repeated_length_ + end_;
  if (family_ == Family::kV4) {
    if (size > wire::kIpv4MaxPacketSize) return DropReason::kFragmentMalformed;
    store_be(header + 2, static_cast<std::uint16_t>(size));
    store_be(header + 6, std::uint16_t{0});
    store_be(header + 10, std::uint16_t{0});
    store_be(header + 10, wire::PartialSum::of({header, repeated_length_}).checksum());
  } else {
    const std::size_t payload_length = size - wire::kIpv6HeaderSize;
    if (payload_length > 65535) return DropReason::kFragmentMalformed;
    // The fragment header goes: what stood before it moves up to the data.
    std::memmove(header, data - headers_size_, repeated_length_);
    header[next_header_field_offset_] = static_cast<std::uint8_t>(upper_protocol_);
    store_be(header + 4, static_cast<std::uint16_t>(payload_length));
  }
  return wire::IpView::parse({header, size});
}

MutableBytes Assembly::first_fragment() const noexcept {
  if (headers_size_ == 0 || abandoned_) return {};
  return {buffer_.get() + kHeaderRoom - headers_size_, headers_size_ + first_data_size_};
}

void Assembly::abandon(DropReason reason) noexcept {
  buffer_.reset();
  capacity_ = 0;
  abandoned_ = reason;
}

}  // namespace wgr::slirp
