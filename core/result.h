// A value, or the reason why there is none. For the packet path: no allocation, no exception.
#pragma once

#include <cassert>
#include <optional>
#include <utility>

#include "core/drop_reason.h"

namespace wgr {

template <typename T, typename E = DropReason>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(E error) : error_(error) {}             // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return value_.has_value(); }
  bool has_value() const noexcept { return value_.has_value(); }

  // REQUIRES: has_value().
  T& operator*() & { return assert(value_), *value_; }
  const T& operator*() const& { return assert(value_), *value_; }
  T&& operator*() && { return assert(value_), std::move(*value_); }
  T* operator->() { return assert(value_), &*value_; }
  const T* operator->() const { return assert(value_), &*value_; }

  // REQUIRES: !has_value().
  E error() const { return assert(!value_), error_; }

 private:
  std::optional<T> value_;
  E error_{};
};

}  // namespace wgr
