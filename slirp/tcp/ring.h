// A double-ended queue in one power-of-two array, with random access and insertion. It keeps its
// memory while it is used and gives it back with release().
//
// position() names an element for as long as it stays in the queue, whatever leaves in front of it:
// links between elements are positions.
//
// Thread: confined to its owner.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace wgr::slirp::tcp {

template <typename T>
class Ring {
 public:
  using Position = std::uint32_t;

  Ring() noexcept = default;
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    Ring{std::move(other)}.swap(*this);
    return *this;
  }
  ~Ring() {
    clear();
    release();
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return items_ == nullptr ? 0 : std::size_t{mask_} + 1; }

  // REQUIRES: index < size().
  T& operator[](std::size_t index) noexcept { return assert(index < size_), at(position(index)); }
  const T& operator[](std::size_t index) const noexcept {
    return assert(index < size_), items_[position(index) & mask_];
  }
  T& front() noexcept { return (*this)[0]; }
  const T& front() const noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size_ - 1]; }
  const T& back() const noexcept { return (*this)[size_ - 1]; }

  Position position(std::size_t index) const noexcept { return front_ + static_cast<Position>(index); }
  std::size_t index_of(Position position) const noexcept { return static_cast<Position>(position - front_); }
  // REQUIRES: the element is still here.
  T& at(Position position) noexcept { return assert(index_of(position) < size_), items_[position & mask_]; }

  // A new last element, as T{} made it.
  T& emplace_back() {
    if (size_ == capacity()) [[unlikely]]
      grow();
    assert(items_ != nullptr);
    ++size_;
    return *std::construct_at(&back());
  }
  T& push_back(T item) { return emplace_back() = std::move(item); }
  // The first `count` elements. REQUIRES: count <= size().
  void pop_front(std::size_t count = 1) noexcept {
    for (std::size_t i = 0; i < count; ++i) std::destroy_at(&(*this)[i]);
    front_ += static_cast<Position>(count);
    size_ -= count;
  }
  // REQUIRES: !empty().
  void pop_back() noexcept {
    std::destroy_at(&back());
    --size_;
  }
  // Before the element at `index`. Positions of later elements change. REQUIRES: index <= size().
  void insert(std::size_t index, T item) {
    push_back(T{});
    for (std::size_t i = size_ - 1; i > index; --i) (*this)[i] = std::move((*this)[i - 1]);
    (*this)[index] = std::move(item);
  }
  void clear() noexcept { pop_front(size_); }
  // REQUIRES: empty().
  void release() noexcept {
    assert(empty());
    if (items_ != nullptr) std::allocator<T>{}.deallocate(items_, capacity());
    items_ = nullptr;
    mask_ = 0;
  }

 private:
  static constexpr std::size_t kInitialCapacity = 16;

  void swap(Ring& other) noexcept {
    std::swap(items_, other.items_);
    std::swap(mask_, other.mask_);
    std::swap(front_, other.front_);
    std::swap(size_, other.size_);
  }

  void grow() {
    const std::size_t bigger = items_ == nullptr ? kInitialCapacity : capacity() * 2;
    T* const items = std::allocator<T>{}.allocate(bigger);
    const auto mask = static_cast<Position>(bigger - 1);
    for (std::size_t i = 0; i < size_; ++i) {
      std::construct_at(&items[position(i) & mask], std::move((*this)[i]));
      std::destroy_at(&(*this)[i]);
    }
    if (items_ != nullptr) std::allocator<T>{}.deallocate(items_, capacity());
    items_ = items;
    mask_ = mask;
  }

  T* items_ = nullptr;  // room for capacity() elements, of which only those in the queue exist
  Position mask_ = 0;
  Position front_ = 0;
  std::size_t size_ = 0;
};

}  // namespace wgr::slirp::tcp
