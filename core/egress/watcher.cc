#include "core/egress/watcher.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "boost/asio/post.hpp"

namespace wgr::egress {
namespace {

int open_epoll() {
  const int descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0)
    throw std::system_error(errno, std::generic_category(), "cannot open an epoll descriptor");
  return descriptor;
}

}  // namespace

Watcher::Watch::Watch(Watch&& other) noexcept
    : watcher_(std::exchange(other.watcher_, nullptr)), index_(other.index_) {}

Watcher::Watch::~Watch() {
  if (watcher_ != nullptr) watcher_->remove(index_);
}

void Watcher::Watch::ask(Ready interest) {
  Slot& slot = watcher_->slots_[index_];
  slot.asked.readable |= interest.readable;
  slot.asked.writable |= interest.writable;
  if (watcher_->enqueue_if_news(index_)) watcher_->post();
}

void Watcher::Watch::found_no_more_to_read() noexcept { watcher_->slots_[index_].may_have.readable = false; }

void Watcher::Watch::found_no_more_room() noexcept { watcher_->slots_[index_].may_have.writable = false; }

void Watcher::Watch::note_error() {
  Slot& slot = watcher_->slots_[index_];
  slot.has_error = true;
  slot.may_have.readable = true;
  if (watcher_->enqueue_if_news(index_)) watcher_->post();
}

bool Watcher::Watch::take_error() noexcept {
  return std::exchange(watcher_->slots_[index_].has_error, false);
}

bool Watcher::Watch::is_hung_up() const noexcept { return watcher_->slots_[index_].is_hung_up; }

Watcher::Watcher(boost::asio::io_context& context, ReadyHandler handler)
    : handler_(std::move(handler)), context_(context), epoll_(context, open_epoll()) {
  wait();
}

Watcher::~Watcher() = default;

std::optional<Watcher::Watch> Watcher::add(int descriptor, SocketToken token, Interest interest) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  Slot& slot = slots_[index];
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  if (interest == Interest::kReadableAndWritable) event.events |= EPOLLOUT;
  event.data.u64 = std::uint64_t{slot.generation} << 32 | index;
  if (epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0) return std::nullopt;

  free_.pop_back();
  slot = Slot{.token = token, .generation = slot.generation, .asked = {}, .may_have = {}};
  return Watch{*this, index};
}

// The kernel forgets the registration when the socket closes, right after this.
void Watcher::remove(std::uint32_t index) noexcept {
  Slot& slot = slots_[index];
  ++slot.generation;
  slot.asked = {};
  slot.is_queued = false;
  free_.push_back(index);
}

void Watcher::wait() {
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
                      if (alive.expired() || error) return;
                      run();
                      wait();
                    });
}

void Watcher::post() {
  if (is_posted_) return;
  is_posted_ = true;
  boost::asio::post(context_, [this, alive = std::weak_ptr{alive_}] {
    if (alive.expired()) return;
    is_posted_ = false;
    run();
  });
}

void Watcher::run() {
  const bool may_be_more = harvest();
  deliver();
  if (may_be_more || !ready_.empty()) post();
}

// Notes what the kernel says. True if there may be more than fitted.
bool Watcher::harvest() {
  std::array<epoll_event, 2 * kMaxNewsPerTurn> events;
  const int count = epoll_wait(epoll_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto index = static_cast<std::uint32_t>(event.data.u64);
    Slot& slot = slots_[index];
    if (slot.generation != event.data.u64 >> 32) continue;
    const bool failed = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    slot.may_have.readable |= failed || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0;
    slot.may_have.writable |= failed || (event.events & EPOLLOUT) != 0;
    slot.has_error |= (event.events & EPOLLERR) != 0;
    slot.is_hung_up |= failed || (event.events & EPOLLRDHUP) != 0;
    enqueue_if_news(index);
  }
  return count == static_cast<int>(events.size());
}

// Hands out at most one turn's worth, and to nobody twice. The handler may add and remove sockets.
void Watcher::deliver() {
  for (std::size_t left = std::min(ready_.size(), kMaxNewsPerTurn); left > 0; --left) {
    const Id id = ready_.front();
    ready_.pop_front();
    Slot& slot = slots_[id.index];
    if (slot.generation != id.generation) continue;
    slot.is_queued = false;
    const Ready news{slot.asked.readable && slot.may_have.readable,
                     slot.asked.writable && slot.may_have.writable};
    if (!news.readable && !news.writable) continue;
    if (news.readable) slot.asked.readable = false;
    if (news.writable) slot.asked.writable = false;
    handler_(slot.token, news);
  }
}

// True if it was not in the queue yet.
bool Watcher::enqueue_if_news(std::uint32_t index) {
  Slot& slot = slots_[index];
  const bool is_news =
      (slot.asked.readable && slot.may_have.readable) || (slot.asked.writable && slot.may_have.writable);
  if (!is_news || slot.is_queued) return false;
  slot.is_queued = true;
  ready_.push_back({index, slot.generation});
  return true;
}

}  // namespace wgr::egress
