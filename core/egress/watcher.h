// News about many sockets from one epoll descriptor, which itself waits in the worker's io_context.
//
//   kernel --edge--> epoll of the Watcher --one wait--> io_context --turn--> handler(token, ready)
//
// Every socket is registered once, edge-triggered. What is asked for (watch) and what the kernel may
// still have (until a call says EAGAIN) are flags here, so watching again costs no system call and no
// memory. A watch for what is there already is news of the next turn.
//
// A socket may be destroyed at any time, by the handler too: what was queued about it finds nobody.
// So may the Watcher, but not by its own handler.
//
// Thread: confined to the thread that runs the io_context.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"

#include "core/egress/sockets.h"

namespace wgr::egress {

using ReadyHandler = std::function<void(SocketToken, Ready)>;

class Watcher {
 public:
  // News handed out between two chances for others to run.
  static constexpr std::size_t kMaxNewsPerTurn = 32;

  enum class Interest : std::uint8_t { kReadable, kReadableAndWritable };

  // The registration of one socket; ends with it. REQUIRES: the Watcher lives longer.
  class Watch {
   public:
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) = delete;
    ~Watch();

    // One-shot per direction; adds to what is watched already.
    void ask(Ready interest);
    // The last call found nothing more: only a new edge is news.
    void found_no_more_to_read() noexcept;
    void found_no_more_room() noexcept;
    // The kernel has an error to tell: news of the reading side. Taken once.
    void note_error();
    bool take_error() noexcept;
    // The remote has closed or the connection failed: a short read does not mean that nothing is left.
    bool is_hung_up() const noexcept;

   private:
    friend class Watcher;
    Watch(Watcher& watcher, std::uint32_t index) noexcept : watcher_(&watcher), index_(index) {}

    Watcher* watcher_;
    std::uint32_t index_;
  };

  // Throws std::system_error when the kernel gives no epoll descriptor.
  Watcher(boost::asio::io_context& context, ReadyHandler handler);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

  // Nothing, with errno set, when the kernel refuses.
  std::optional<Watch> add(int descriptor, SocketToken token, Interest interest);

  std::size_t size() const noexcept { return slots_.size() - free_.size(); }

 private:
  struct Slot {
    SocketToken token = 0;
    std::uint32_t generation = 0;
    Ready asked;
    Ready may_have;
    bool has_error = false;
    bool is_hung_up = false;
    bool is_queued = false;
  };
  struct Id {
    std::uint32_t index;
    std::uint32_t generation;
  };

  void remove(std::uint32_t index) noexcept;
  void wait();
  void post();
  void run();
  bool harvest();
  void deliver();
  bool enqueue_if_news(std::uint32_t index);

  ReadyHandler handler_;
  boost::asio::io_context& context_;
  boost::asio::posix::stream_descriptor epoll_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::deque<Id> ready_;  // at most one entry per slot and generation
  bool is_posted_ = false;
  // Handlers still queued in the io_context find out through a weak reference that we are gone.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace wgr::egress
