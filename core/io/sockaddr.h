// SocketAddress to and from the kernel's sockaddr.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

#include "core/address.h"

namespace wgr::io {

// Returns the length of what was written. `scope` is the interface of a link-local IPv6 address.
inline socklen_t to_sockaddr(const SocketAddress& address, sockaddr_storage& out, std::uint32_t scope = 0) {
  std::memset(&out, 0, sizeof out);
  if (address.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.bytes().data(), 4);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.ip.bytes().data(), 16);
  if (address.ip.is_link_local()) v6.sin6_scope_id = scope;
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

// Nothing for other families. An IPv4-mapped IPv6 address stays IPv6.
inline std::optional<SocketAddress> from_sockaddr(const sockaddr_storage& from, socklen_t length) {
  if (from.ss_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from, sizeof v4);
    std::uint8_t bytes[4];
    std::memcpy(bytes, &v4.sin_addr, sizeof bytes);
    return SocketAddress{IpAddress::from_bytes(bytes), ntohs(v4.sin_port)};
  }
  if (from.ss_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    std::uint8_t bytes[16];
    std::memcpy(bytes, &v6.sin6_addr, sizeof bytes);
    return SocketAddress{IpAddress::from_bytes(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

}  // namespace wgr::io
