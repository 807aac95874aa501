// What the limit programs share: sockets that block, the end of their life, and their account.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/address.h"
#include "core/time.h"

namespace wgr::bench {

[[noreturn]] void fail(const char* what);

SocketAddress loopback(std::uint16_t port);
// To a service of host_server.
int connect_tcp(std::uint16_t port);
// Says "port=N".
void announce(std::uint16_t port);

// Waits for one of two descriptors; false when the standard input has ended.
bool wait_readable(int first, int second = -1);
bool has_input_ended();

// Payload pieces, and their way into a host TCP socket: one writev for a batch.
std::size_t write_all(int host, std::span<iovec> pieces);

class Account {
 public:
  // A batch has passed.
  void mark();
  // What it cost, by getrusage over the life of the process.
  void report() const;

  std::uint64_t payload_bytes = 0;
  std::uint64_t packets = 0;
  std::uint64_t completed = 0;

 private:
  Instant began_ = kNever;
  Instant ended_ = kNever;
};

}  // namespace wgr::bench
