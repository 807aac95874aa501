// A UDP path with faults, between a client and a server, for the interop scenarios.
//
//   client <-> [listen] udp_relay [one socket per client address] <-> server
//
// Each datagram of either direction is, by its own draw: dropped; duplicated; held for delay + jitter
// (jitter alone reorders); or, with the probability of --reorder, held for an extra while so that
// later ones overtake it. The draws come from --seed, so that a run can be repeated.
//
// On SIGTERM it prints what it did as one line of key=value and exits with 0.
//
// Thread: one; the sockets are polled, the queue of held datagrams is a heap by due time.
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t kMaxClients = 64;        // further ones are dropped
constexpr std::size_t kMaxHeld = 65536;        // as in a router's queue: the newest is dropped
constexpr std::size_t kDatagramsPerTurn = 64;  // per socket, so that held ones leave in time
constexpr int kSocketBuffer = 4 * 1024 * 1024;

struct Options {
  std::string listen;
  std::string server;
  double drop = 0;       // probability, each direction
  double duplicate = 0;  // probability
  double reorder = 0;    // probability
  microseconds delay{0};
  microseconds jitter{0};
  microseconds reorder_delay{5000};
  std::uint64_t seed = 1;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  std::string_view bytes() const { return {reinterpret_cast<const char*>(&storage), length}; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

struct Counts {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t overflowed = 0;
  std::uint64_t failed = 0;
};

volatile sig_atomic_t g_stop = 0;

// "127.0.0.1:51820" or "[::1]:51820".
Address parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw std::invalid_argument(text + ": expected ADDRESS:PORT");
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) {
    throw std::invalid_argument(text + ": not an address");
  }
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

int open_socket(int family) {
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  for (const int option : {SO_RCVBUF, SO_SNDBUF}) {
    setsockopt(fd, SOL_SOCKET, option, &kSocketBuffer, sizeof kSocketBuffer);
  }
  return fd;
}

class Relay {
 public:
  explicit Relay(const Options& options)
      : options_(options), server_(parse_address(options.server)), random_(options.seed) {
    const Address listen = parse_address(options.listen);
    sockets_.push_back({open_socket(listen.storage.ss_family), {}});
    if (bind(sockets_[0].fd, listen.get(), listen.length) != 0) {
      throw std::runtime_error(options.listen + ": " + std::strerror(errno));
    }
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay() {
    for (const Socket& socket : sockets_) close(socket.fd);
  }

  void run() {
    while (g_stop == 0) {
      wait();
      const std::size_t known = sockets_.size();  // drain() may add one
      for (std::size_t i = 0; i < known; ++i) drain(i);
      send_due();
    }
  }

  const Counts& counts() const { return counts_; }

 private:
  // sockets_[0] listens; every other one stands for the client whose address it keeps.
  struct Socket {
    int fd;
    Address client;
  };

  struct Held {
    Clock::time_point due;
    std::uint64_t order;
    int fd;
    const Address* to;  // null: the socket is connected to the server
    std::vector<char> data;

    bool operator<(const Held& other) const {  // the earliest is on top
      return std::pair(due, order) > std::pair(other.due, other.order);
    }
  };

  void wait() {
    std::vector<pollfd> polled;
    for (const Socket& socket : sockets_) polled.push_back({socket.fd, POLLIN, 0});
    timespec limit{1, 0};
    if (!held_.empty()) {
      const auto left = std::max(held_.top().due - Clock::now(), Clock::duration::zero());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      limit = {seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    }
    // An interrupted wait only means that the caller looks at g_stop sooner.
    ppoll(polled.data(), polled.size(), &limit, nullptr);
  }

  void drain(std::size_t index) {
    for (std::size_t i = 0; i < kDatagramsPerTurn; ++i) {
      Address from;
      from.length = sizeof from.storage;
      const int fd = sockets_[index].fd;
      const auto size = recvfrom(fd, buffer_.data(), buffer_.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from.storage), &from.length);
      if (size < 0) {
        if (errno == ECONNREFUSED) continue;  // the server is down: datagrams are lost, as on a real path
        return;
      }
      ++counts_.received;
      const std::span data(buffer_.data(), static_cast<std::size_t>(size));
      if (index != 0) {
        pass(sockets_[0].fd, &sockets_[index].client, data);
      } else if (const auto outgoing = socket_of(from)) {
        pass(*outgoing, nullptr, data);
      } else {
        ++counts_.overflowed;
      }
    }
  }

  std::optional<int> socket_of(const Address& client) {
    const std::string key(client.bytes());
    if (const auto found = clients_.find(key); found != clients_.end()) return found->second;
    if (clients_.size() == kMaxClients) return std::nullopt;
    const int fd = open_socket(server_.storage.ss_family);
    if (connect(fd, server_.get(), server_.length) != 0) {
      close(fd);
      return std::nullopt;
    }
    sockets_.push_back({fd, client});
    clients_.emplace(key, fd);
    return fd;
  }

  void pass(int fd, const Address* to, std::span<const char> data) {
    if (happens(options_.drop)) {
      ++counts_.dropped;
      return;
    }
    hold(fd, to, data);
    if (happens(options_.duplicate)) {
      ++counts_.duplicated;
      hold(fd, to, data);
    }
  }

  void hold(int fd, const Address* to, std::span<const char> data) {
    if (held_.size() >= kMaxHeld) {
      ++counts_.overflowed;
      return;
    }
    auto wait = options_.delay;
    if (options_.jitter.count() > 0) {
      wait += microseconds(std::uniform_int_distribution<std::int64_t>(0, options_.jitter.count())(random_));
    }
    if (happens(options_.reorder)) {
      ++counts_.reordered;
      wait += options_.reorder_delay;
    }
    held_.push({Clock::now() + wait, ++order_, fd, to, {data.begin(), data.end()}});
  }

  void send_due() {
    const auto now = Clock::now();
    while (!held_.empty() && held_.top().due <= now) {
      const Held& held = held_.top();
      const auto sent = held.to == nullptr ? send(held.fd, held.data.data(), held.data.size(), MSG_NOSIGNAL)
                                           : sendto(held.fd, held.data.data(), held.data.size(), MSG_NOSIGNAL,
                                                    held.to->get(), held.to->length);
      ++(sent >= 0 ? counts_.sent : counts_.failed);
      held_.pop();
    }
  }

  bool happens(double probability) {
    return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
  }

  const Options options_;
  const Address server_;
  std::mt19937_64 random_;
  std::deque<Socket> sockets_;  // addresses stay where they are: held datagrams point at them
  std::map<std::string, int> clients_;
  std::priority_queue<Held> held_;
  std::uint64_t order_ = 0;
  Counts counts_;
  std::array<char, 65536> buffer_{};
};

template <typename T>
T parse_number(std::string_view name, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(std::string(name) + ": not a number: " + std::string(text));
  }
  return value;
}

Options parse_options(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const std::string_view value = arguments[i + 1];
    const auto milliseconds = [&] {
      return microseconds(static_cast<std::int64_t>(parse_number<double>(name, value) * 1000));
    };
    if (name == "--listen")
      options.listen = value;
    else if (name == "--server")
      options.server = value;
    else if (name == "--drop")
      options.drop = parse_number<double>(name, value);
    else if (name == "--duplicate")
      options.duplicate = parse_number<double>(name, value);
    else if (name == "--reorder")
      options.reorder = parse_number<double>(name, value);
    else if (name == "--delay-ms")
      options.delay = milliseconds();
    else if (name == "--jitter-ms")
      options.jitter = milliseconds();
    else if (name == "--seed")
      options.seed = parse_number<std::uint64_t>(name, value);
    else
      throw std::invalid_argument(std::string(name) + ": unknown option");
  }
  if (options.listen.empty() || options.server.empty() || arguments.size() % 2 == 0) {
    throw std::invalid_argument(
        "usage: udp_relay --listen ADDRESS:PORT --server ADDRESS:PORT [--drop P] [--duplicate P] "
        "[--reorder P] [--delay-ms N] [--jitter-ms N] [--seed N]");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse_options({argv, static_cast<std::size_t>(argc)});
    struct sigaction action{};
    action.sa_handler = [](int) { g_stop = 1; };
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    Relay relay(options);
    std::puts("ready");
    std::fflush(stdout);
    relay.run();
    const Counts& counts = relay.counts();
    std::printf(
        "received=%llu sent=%llu dropped=%llu duplicated=%llu reordered=%llu overflowed=%llu failed=%llu\n",
        static_cast<unsigned long long>(counts.received), static_cast<unsigned long long>(counts.sent),
        static_cast<unsigned long long>(counts.dropped), static_cast<unsigned long long>(counts.duplicated),
        static_cast<unsigned long long>(counts.reordered), static_cast<unsigned long long>(counts.overflowed),
        static_cast<unsigned long long>(counts.failed));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "udp_relay: %s\n", error.what());
    return 2;
  }
}
