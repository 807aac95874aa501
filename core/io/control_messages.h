// The control messages of sendmsg and recvmsg: written into a fixed buffer, read with every length checked.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

#include "core/bytes.h"

namespace wgr::io {

// Room for `Integers` control messages of at most an int each.
template <std::size_t Integers>
class ControlBuffer {
 public:
  void clear() noexcept { used_ = 0; }

  template <typename Value>
    requires std::is_trivially_copyable_v<Value>
  void add(int level, int type, const Value& value) noexcept {
    assert(used_ + CMSG_SPACE(sizeof value) <= sizeof bytes_);
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memset(bytes_ + used_, 0, CMSG_SPACE(sizeof value));
    std::memcpy(bytes_ + used_, &header, sizeof header);
    std::memcpy(bytes_ + used_ + CMSG_LEN(0), &value, sizeof value);
    used_ += CMSG_SPACE(sizeof value);
  }

  // The message refers to this buffer until it is sent.
  void attach_to(msghdr& message) noexcept {
    message.msg_control = used_ == 0 ? nullptr : bytes_;
    message.msg_controllen = used_;
  }

 private:
  alignas(cmsghdr) std::uint8_t bytes_[Integers * CMSG_SPACE(sizeof(int))];
  std::size_t used_ = 0;
};

// The data of a control message.
inline Bytes control_data(const cmsghdr& control) noexcept {
  if (control.cmsg_len < CMSG_LEN(0)) return {};
  return {CMSG_DATA(&control), control.cmsg_len - CMSG_LEN(0)};
}

// The value at the front of `data`, nothing if it is too short.
template <typename Value>
  requires std::is_trivially_copyable_v<Value>
std::optional<Value> read_value(Bytes data) noexcept {
  Value value;
  if (data.size() < sizeof value) return std::nullopt;
  std::memcpy(&value, data.data(), sizeof value);
  return value;
}

// Calls visit(level, type, data) for each control message the kernel wrote.
template <typename Visitor>
void for_each_control(const msghdr& message, Visitor visit) {
  msghdr header = message;
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    visit(control->cmsg_level, control->cmsg_type, control_data(*control));
  }
}

}  // namespace wgr::io
