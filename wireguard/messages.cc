#include "wireguard/messages.h"

#include <algorithm>
#include <bit>

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
  static_assert(std::has_single_bit(kPaddingMultiple));
  const std::size_t to_multiple = -packet_size & (kPaddingMultiple - 1);
  if (packet_size <= mtu) [[likely]]
    return std::min(to_multiple, mtu - packet_size);
  if (mtu == 0) return to_multiple;
  // A packet larger than the MTU is padded like its last MTU-sized part.
  const std::size_t last = packet_size % mtu;
  return std::min(-last & (kPaddingMultiple - 1), mtu - last);
}

}  // namespace wgr::wireguard
