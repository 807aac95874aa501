// Many WebSockets to the router in one thread, each with a number and from a loopback address of its own, so
// that no limit per source is what is measured.
#pragma once

#include <memory>
#include <vector>

#include "tests/bench/websocket_client.h"

namespace wgr::bench {

class CrowdHandler {
 public:
  virtual ~CrowdHandler() = default;
  virtual void opened(std::size_t) {}
  virtual void received(std::size_t, MutableBytes /*message*/) {}
  // The other side has ended the connection, which may be replaced.
  virtual void ended(std::size_t) {}
};

class Crowd {
 public:
  // `handler` outlives the crowd.
  Crowd(const Settings& settings, CrowdHandler& handler);

  // One more connection; its number.
  std::size_t open();
  // A new connection in the place of one that has ended.
  void reopen(std::size_t number);
  // Opens `count` at most kAtATime at once and waits for the upgrades; ends the program if they do not come.
  void open_all(std::size_t count);

  void send(std::size_t number, Bytes message);
  void close(std::size_t number);

  // Waits and reads; writes what became due.
  void turn(Instant until);
  void run_until(Instant until) {
    while (now_ < until) turn(until);
  }
  Instant now() const noexcept { return now_; }

 private:
  static constexpr std::size_t kAtATime = 64;

  struct Member {
    std::unique_ptr<WebSocketClient> client;
    bool was_open = false;
  };

  void connect(std::size_t number);
  void read(std::size_t number);

  CrowdHandler& handler_;
  ClientMemory memory_;
  WebSocketClient::Options options_;
  const io::Descriptor epoll_;
  std::vector<Member> members_;
  std::size_t open_ = 0;
  std::uint32_t next_source_ = 0;
  Instant now_;
};

}  // namespace wgr::bench
