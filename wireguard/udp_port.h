// The outer UDP port of one worker: waits, drains a bounded number of batches, waits again.
//
// Thread: confined to its worker. Destroy it after the worker has stopped.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"

#include "core/io/udp_socket.h"
#include "core/time.h"

namespace wgr::wireguard {

class UdpPort {
 public:
  // Called with what one system call gave; the views are valid until it returns.
  using Sink = std::function<void(std::span<const io::UdpSocket::Received>)>;

  UdpPort(boost::asio::io_context& context, std::unique_ptr<io::UdpSocket> socket, Sink sink);
  ~UdpPort();
  UdpPort(const UdpPort&) = delete;
  UdpPort& operator=(const UdpPort&) = delete;

  // Starts receiving. Call once.
  void start();
  void send(std::span<const DatagramBatch::Run> runs, Instant now) { socket_->send(runs, now); }

  const io::UdpSocket& socket() const noexcept { return *socket_; }
  // The address it is bound to; unspecified for all of its family.
  const IpAddress& address() const noexcept { return local_address_.ip; }
  const SocketAddress& local_address() const noexcept { return local_address_; }
  // False before start(), and once it can receive no more.
  bool is_listening() const { return is_receiving_; }

 private:
  static constexpr int kBatchesPerTurn = 4;  // then other sockets have their turn

  void wait();
  void receive();

  std::unique_ptr<io::UdpSocket> socket_;
  const SocketAddress local_address_;
  boost::asio::posix::stream_descriptor descriptor_;  // borrows the socket's
  const Sink sink_;
  bool is_receiving_ = false;
};

}  // namespace wgr::wireguard
