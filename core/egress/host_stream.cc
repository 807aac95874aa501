#include "core/egress/host_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <climits>

namespace wgr::egress {
namespace {

constexpr std::uint8_t kDefaultTtl = 64;  // of the kernel; asked for by others only

std::size_t total(std::span<const iovec> vectors) {
  std::size_t size = 0;
  for (const iovec& vector : vectors) size += vector.iov_len;
  return size;
}

}  // namespace

bool set_option(const io::Descriptor& descriptor, int level, int name, int value) {
  return setsockopt(descriptor.get(), level, name, &value, sizeof value) == 0;
}

void set_stream_options(const io::Descriptor& descriptor, Family family, const StreamOptions& options) {
  const bool is_v4 = family == Family::kV4;
  const int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
  set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.ttl != kDefaultTtl)
    set_option(descriptor, level, is_v4 ? IP_TTL : IPV6_UNICAST_HOPS, options.ttl);
  if (options.tos != 0) set_option(descriptor, level, is_v4 ? IP_TOS : IPV6_TCLASS, options.tos);
  if (options.receive_buffer > 0) set_option(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (options.send_buffer > 0) set_option(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
}

int HostStream::connect_result() {
  if (connect_result_) return *connect_result_;
  if (const int error = take_socket_error(); error != 0) return connect_result_.emplace(error);
  sockaddr_storage remote{};
  socklen_t length = sizeof remote;
  if (getpeername(descriptor_.get(), reinterpret_cast<sockaddr*>(&remote), &length) == 0) {
    return connect_result_.emplace(0);
  }
  watch_.found_no_more_room();
  return errno == ENOTCONN ? EINPROGRESS : errno;
}

IoResult HostStream::read(std::span<const iovec> into) {
  assert(into.size() <= IOV_MAX);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(into.data());
  message.msg_iovlen = into.size();
  counters_.tcp_read_calls.add();
  const ssize_t size = recvmsg(descriptor_.get(), &message, MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EAGAIN) watch_.found_no_more_to_read();
    return {.bytes = 0, .error = errno == EINTR ? EAGAIN : errno, .is_end = false};
  }
  const auto bytes = static_cast<std::size_t>(size);
  const std::size_t wanted = total(into);
  if (bytes == 0 && wanted > 0) {
    // A reset behind the end is told too; other news of the reading side there is none.
    watch_.found_no_more_to_read();
    return {.bytes = 0, .error = watch_.take_error() ? take_socket_error() : 0, .is_end = true};
  }
  if (bytes < wanted && !watch_.is_hung_up()) watch_.found_no_more_to_read();
  counters_.tcp_read_bytes.add(bytes);
  return {.bytes = bytes, .error = 0, .is_end = false};
}

IoResult HostStream::write(std::span<const iovec> from) {
  assert(from.size() <= IOV_MAX);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());
  message.msg_iovlen = from.size();
  counters_.tcp_write_calls.add();
  const ssize_t size = sendmsg(descriptor_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0) {
    if (errno == EAGAIN) watch_.found_no_more_room();
    return {.bytes = 0, .error = errno == EINTR ? EAGAIN : errno, .is_end = false};
  }
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes < total(from)) watch_.found_no_more_room();
  counters_.tcp_written_bytes.add(bytes);
  return {.bytes = bytes, .error = 0, .is_end = false};
}

void HostStream::shutdown_send() { shutdown(descriptor_.get(), SHUT_WR); }

void HostStream::reset_on_close() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// SO_ERROR clears what it reports.
int HostStream::take_socket_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(descriptor_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

}  // namespace wgr::egress
