// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace wgr::io {

class Descriptor {
 public:
  Descriptor() noexcept = default;
  // Takes ownership; negative means none.
  explicit Descriptor(int value) noexcept : value_(value) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      value_ = std::exchange(other.value_, -1);
    }
    return *this;
  }

  int get() const noexcept { return value_; }
  explicit operator bool() const noexcept { return value_ >= 0; }
  int release() noexcept { return std::exchange(value_, -1); }

 private:
  void reset() noexcept {
    if (value_ >= 0) close(value_);
    value_ = -1;
  }

  int value_ = -1;
};

}  // namespace wgr::io
