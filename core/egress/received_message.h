// One call of recvmsg, and the memory that its answer points into.
//
// Thread: a value of one call.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"

namespace wgr::egress {

// `ControlBytes`: room for control messages.
template <std::size_t ControlBytes>
class ReceivedMessage {
 public:
  // recvmsg's result and errno; the payload is in `room`.
  ssize_t receive(int descriptor, MutableBytes room, int flags) noexcept {
    vector_ = {room.data(), room.size()};
    message_.msg_name = &name_;
    message_.msg_namelen = sizeof name_;
    message_.msg_iov = &vector_;
    message_.msg_iovlen = 1;
    message_.msg_control = control_.data();
    message_.msg_controllen = control_.size();
    return recvmsg(descriptor, &message_, flags | MSG_DONTWAIT);
  }

  const msghdr& header() const noexcept { return message_; }
  const sockaddr_storage& name() const noexcept { return name_; }

 private:
  sockaddr_storage name_{};
  alignas(cmsghdr) std::array<std::uint8_t, ControlBytes> control_;
  iovec vector_{};
  msghdr message_{};
};

}  // namespace wgr::egress
