#include "tests/bench/websocket_crowd.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/identities.h"

namespace wgr::bench {
namespace {

constexpr std::uint32_t kSources = 16384;
constexpr Duration kOpenTime = std::chrono::seconds{10};

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace

Crowd::Crowd(const Settings& settings, CrowdHandler& handler)
    : handler_(handler), epoll_(epoll_create1(EPOLL_CLOEXEC)), now_(Clock::now()) {
  if (!epoll_) fail("epoll_create1");
  options_.port = settings.router_port;
  options_.tls = client_context(settings.security);
}

std::size_t Crowd::open() {
  members_.emplace_back();
  connect(members_.size() - 1);
  return members_.size() - 1;
}

void Crowd::reopen(std::size_t number) { connect(number); }

void Crowd::connect(std::size_t number) {
  Member& member = members_[number];
  options_.source = outer_address_of(1 + next_source_++ % kSources);
  member.client = std::make_unique<WebSocketClient>(options_, memory_);
  member.was_open = false;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, member.client->descriptor(), &event) != 0) fail("epoll_ctl");
}

void Crowd::open_all(std::size_t count) {
  const std::size_t wanted = open_ + count;
  const Instant until = now_ + kOpenTime;
  while (open_ < wanted && now_ < until) {
    while (members_.size() < wanted && members_.size() < open_ + kAtATime) open();
    turn(until);
  }
  if (open_ < wanted) {
    std::fprintf(stderr, "only %zu of %zu WebSockets opened\n", open_, wanted);
    std::exit(1);
  }
}

void Crowd::send(std::size_t number, Bytes message) {
  members_[number].client->send(message);
  members_[number].client->write();
}

void Crowd::close(std::size_t number) {
  members_[number].client->close(now_);
  members_[number].client->write();
}

void Crowd::turn(Instant until) {
  std::array<epoll_event, 256> events;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(until - now_, Duration{0}));
  const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(std::min<std::int64_t>(left.count(), 1000)));
  if (count < 0 && errno != EINTR) fail("epoll_wait");
  now_ = Clock::now();
  for (int i = 0; i < count; ++i)
    read(static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64));
}

// Messages here are small: what is written always fits into the socket.
void Crowd::read(std::size_t number) {
  WebSocketClient& client = *members_[number].client;
  for (const ws::Message& message : client.read(now_)) handler_.received(number, message.bytes);
  client.end_read();
  if (client.is_open() && !std::exchange(members_[number].was_open, true)) {
    ++open_;
    handler_.opened(number);
  }
  client.write();
  if (!client.has_ended()) return;
  if (members_[number].was_open) --open_;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client.descriptor(), nullptr);
  handler_.ended(number);
}

}  // namespace wgr::bench
