// Sequence numbers (RFC 9293 3.4): 32 bits that wrap. Comparison is modular and means something only
// for numbers less than 2^31 apart, which every window keeps.
//
// Thread: values.
#pragma once

#include <cstdint>

namespace wgr::slirp::tcp {

class SeqNumber {
 public:
  constexpr SeqNumber() noexcept = default;
  constexpr explicit SeqNumber(std::uint32_t value) noexcept : value_(value) {}

  constexpr std::uint32_t value() const noexcept { return value_; }

  constexpr SeqNumber& operator+=(std::size_t size) noexcept {
    value_ += static_cast<std::uint32_t>(size);
    return *this;
  }
  friend constexpr SeqNumber operator+(SeqNumber a, std::size_t size) noexcept { return a += size; }
  friend constexpr SeqNumber operator-(SeqNumber a, std::size_t size) noexcept {
    return SeqNumber{a.value_ - static_cast<std::uint32_t>(size)};
  }

  friend constexpr bool operator==(SeqNumber, SeqNumber) noexcept = default;
  friend constexpr bool operator<(SeqNumber a, SeqNumber b) noexcept { return signed_distance(b, a) < 0; }
  friend constexpr bool operator>(SeqNumber a, SeqNumber b) noexcept { return b < a; }
  friend constexpr bool operator<=(SeqNumber a, SeqNumber b) noexcept { return !(b < a); }
  friend constexpr bool operator>=(SeqNumber a, SeqNumber b) noexcept { return !(a < b); }

  // REQUIRES: from <= to.
  static constexpr std::size_t distance(SeqNumber from, SeqNumber to) noexcept {
    return to.value_ - from.value_;
  }

 private:
  static constexpr std::int32_t signed_distance(SeqNumber from, SeqNumber to) noexcept {
    return static_cast<std::int32_t>(to.value_ - from.value_);
  }

  std::uint32_t value_ = 0;
};

constexpr SeqNumber max(SeqNumber a, SeqNumber b) noexcept { return a < b ? b : a; }
constexpr SeqNumber min(SeqNumber a, SeqNumber b) noexcept { return b < a ? b : a; }

// A half-open piece of sequence space.
struct SeqRange {
  SeqNumber begin;
  SeqNumber end;

  constexpr std::size_t size() const noexcept { return SeqNumber::distance(begin, end); }
  constexpr bool is_empty() const noexcept { return begin == end; }
  friend constexpr bool operator==(const SeqRange&, const SeqRange&) noexcept = default;
};

}  // namespace wgr::slirp::tcp
