#include "core/egress/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "boost/asio/post.hpp"

#include "core/egress/host_name.h"
#include "core/io/sockaddr.h"

namespace wgr::egress {
namespace {

struct Request {
  std::string name;
  boost::asio::io_context* context;
  Resolver::Handler handler;
};

void post_answer(Request request, Resolver::Answer answer) {
  boost::asio::post(*request.context,
                    [handler = std::move(request.handler), answer = std::move(answer)] { handler(answer); });
}

std::optional<IpAddress> address_of(const addrinfo& entry) {
  sockaddr_storage name{};
  if (entry.ai_addrlen > sizeof name) return std::nullopt;
  std::memcpy(&name, entry.ai_addr, entry.ai_addrlen);
  if (name.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &name, sizeof v6);
    if (v6.sin6_scope_id != 0) return std::nullopt;
  }
  const auto address = io::from_sockaddr(name, entry.ai_addrlen);
  if (!address) return std::nullopt;
  return address->ip;
}

}  // namespace

Resolver::Answer look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (status != 0) {
    const int system_error = errno;
    return {{}, status == EAI_SYSTEM ? std::generic_category().message(system_error) : gai_strerror(status)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{list, freeaddrinfo};
  Resolver::Answer answer;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const auto address = address_of(*entry);
    if (!address || answer.addresses.size() == Resolver::kMaxAddresses) continue;
    if (std::ranges::find(answer.addresses, *address) == answer.addresses.end())
      answer.addresses.push_back(*address);
  }
  if (answer.addresses.empty()) answer.error = "the name has no address";
  return answer;
}

// Shared with the helper thread, which may outlive the Resolver while a lookup is under way.
struct Resolver::State {
  explicit State(Lookup with) : lookup(std::move(with)) {}

  const Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Request> waiting;
  bool is_stopping = false;
  bool is_looking_up = false;
  std::thread thread;  // of the Resolver only

  static void run(const std::shared_ptr<State>& state);
};

void Resolver::State::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock{state->mutex};
  while (true) {
    state->changed.wait(lock, [&] { return state->is_stopping || !state->waiting.empty(); });
    if (state->is_stopping) return;
    Request request = std::move(state->waiting.front());
    state->waiting.pop_front();
    state->is_looking_up = true;
    lock.unlock();
    Answer answer = state->lookup(request.name);
    lock.lock();
    state->is_looking_up = false;
    if (state->is_stopping) return;
    // Under the lock: once the destructor has it, nothing is posted any more.
    post_answer(std::move(request), std::move(answer));
  }
}

Resolver::Resolver() : Resolver(look_up) {}

Resolver::Resolver(Lookup lookup) : state_(std::make_shared<State>(std::move(lookup))) {
  state_->thread = std::thread{[state = state_] { State::run(state); }};
  pthread_setname_np(state_->thread.native_handle(), "resolver");
}

Resolver::~Resolver() {
  bool is_busy = false;
  {
    const std::lock_guard lock{state_->mutex};
    state_->is_stopping = true;
    state_->waiting.clear();
    is_busy = state_->is_looking_up;
  }
  state_->changed.notify_one();
  // getaddrinfo cannot be interrupted and may take half a minute; the end of the router does not wait.
  if (is_busy) {
    state_->thread.detach();
  } else {
    state_->thread.join();
  }
}

void Resolver::resolve(std::string_view name, boost::asio::io_context& context, Handler handler) {
  Request request{std::string{name}, &context, std::move(handler)};
  if (const auto address = IpAddress::parse(name)) {
    post_answer(std::move(request), {{*address}, {}});
    return;
  }
  if (!is_host_name(name)) {
    post_answer(std::move(request), {{}, "not a host name"});
    return;
  }
  {
    const std::lock_guard lock{state_->mutex};
    if (state_->waiting.size() >= kMaxWaiting) {
      post_answer(std::move(request), {{}, "too many names are waiting"});
      return;
    }
    state_->waiting.push_back(std::move(request));
  }
  state_->changed.notify_one();
}

}  // namespace wgr::egress
