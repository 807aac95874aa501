// The socket of one connection, with TLS or without: the only reader and the only writer of it. It moves
// bytes between the kernel and ws/connection and owns no buffer while nothing waits to be written.
//
// Thread: confined to one worker.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/egress/watcher.h"
#include "core/io/descriptor.h"
#include "ws/connection.h"
#include "ws/tls.h"

namespace wgr::ws {

// What the sessions of a worker use in turn.
struct SessionBuffers {
  static constexpr std::size_t kReadBytes = 128 * 1024;
  static constexpr std::size_t kSealBytes = 64 * 1024;  // plaintext sealed for one write: four records

  std::vector<std::uint8_t> read = std::vector<std::uint8_t>(kReadBytes);
  std::vector<std::uint8_t> plain;     // of TLS
  std::vector<std::uint8_t> gathered;  // to be sealed
  std::vector<std::uint8_t> sealed;
  Connection::Out out;
};

class Session {
 public:
  // `tls`: null for plain. The buffers outlive this object.
  Session(io::Descriptor socket, std::unique_ptr<TlsChannel> tls, SessionBuffers& buffers,
          const Connection::Identity& identity, std::shared_ptr<const Profile> profile,
          const Connection::Shared& shared, Instant now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // False when the kernel refuses; errno is set.
  bool watch(egress::Watcher& watcher, egress::SocketToken token);

  // One read, and what it means in buffers.out; call end_read() when that is done with.
  void read(Instant now);
  void end_read(Instant now);
  // Writes what the socket takes.
  void write(Instant now);
  // Closes with a reset: nothing is owed to whoever is there.
  void abandon();

  bool wants_write() const noexcept { return !is_blocked_ && (has_output() || may_shut_down()); }
  std::size_t queued_bytes() const noexcept {
    return connection_.queued_bytes() + unsent_.size() - unsent_position_;
  }
  Connection& connection() noexcept { return connection_; }
  const Connection& connection() const noexcept { return connection_; }

  // Of the server: what it has to remember of each.
  Instant queued_deadline = kNever;
  bool is_dirty = false;
  bool is_told = false;  // the sink knows of it

 private:
  bool has_output() const noexcept { return unsent_position_ < unsent_.size() || connection_.has_output(); }
  bool may_shut_down() const noexcept { return connection_.is_ending() && !has_shut_down_; }
  void receive(MutableBytes bytes, Instant now);
  void receive_sealed(Bytes bytes, Instant now);
  bool write_unsent();
  bool write_plain();
  bool write_sealed();
  std::size_t gather();
  std::size_t send(std::span<const Bytes> from);
  void shut_down();
  void tls_failed(Instant now);

  io::Descriptor socket_;
  std::unique_ptr<TlsChannel> tls_;
  SessionBuffers& buffers_;
  Connection connection_;
  std::optional<egress::Watcher::Watch> watch_;
  std::vector<std::uint8_t> unsent_;  // TLS records the socket had no room for
  std::size_t unsent_position_ = 0;
  bool is_blocked_ = false;  // until the socket is writable
  bool has_input_ended_ = false;
  bool has_shut_down_ = false;
};

}  // namespace wgr::ws
