#include "wireguard/messages.h"

#include <algorithm>

#include "wireguard/constants.h"

namespace wgr::wireguard {

std::optional<MessageType> classify(Bytes datagram) noexcept {
  if (datagram.size() < kTransportOverhead) return std::nullopt;
  const std::size_t size = datagram.size();
  switch (load_le<std::uint32_t>(datagram.data())) {  // type and reserved bytes at once
    case 1:
      return size == sizeof(Initiation) ? std::optional{MessageType::kInitiation} : std::nullopt;
    case 2:
      return size == sizeof(Response) ? std::optional{MessageType::kResponse} : std::nullopt;
    case 3:
      return size == sizeof(CookieReply) ? std::optional{MessageType::kCookieReply} : std::nullopt;
    case 4:
      return MessageType::kTransport;
    default:
      return std::nullopt;
  }
}

std::uint32_t receiver_index(Bytes datagram, MessageType type) noexcept {
  return load_le<std::uint32_t>(datagram.data() + (type == MessageType::kResponse ? 8 : 4));
}

void write_transport_header(std::uint8_t* out, std::uint32_t receiver, std::uint64_t counter) noexcept {
  store_le(out, std::uint32_t{static_cast<std::uint32_t>(MessageType::kTransport)});
  store_le(out + 4, receiver);
  store_le(out + 8, counter);
}

std::size_t padding_for(std::size_t packet_size, std::size_t mtu) noexcept {
  // A packet larger than the MTU is padded like its last MTU-sized part.
  const std::size_t last = mtu != 0 && packet_size > mtu ? packet_size % mtu : packet_size;
  const std::size_t rounded = (last + kPaddingMultiple - 1) / kPaddingMultiple * kPaddingMultiple;
  return (mtu == 0 ? rounded : std::min(mtu, rounded)) - last;
}

}  // namespace wgr::wireguard
