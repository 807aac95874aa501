// The four messages on the wire (whitepaper 5.4). Every field is bytes, so a message is copied in and
// out of a datagram as it stands.
//
//   initiation 148   | type 1 | sender | ephemeral 32 | static 32+16 | timestamp 12+16 | mac1 | mac2 |
//   response    92   | type 2 | sender | receiver | ephemeral 32 | nothing 0+16 | mac1 | mac2 |
//   cookie reply 64  | type 3 | receiver | nonce 24 | cookie 16+16 |
//   transport >= 32  | type 4 | receiver | counter 8 | packet, padded, +16 |
//
// The type is one byte and three reserved zeros; indices and the counter are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "wireguard/blake2s.h"
#include "wireguard/crypto.h"

namespace wgr::wireguard {

enum class MessageType : std::uint8_t { kInitiation = 1, kResponse = 2, kCookieReply = 3, kTransport = 4 };

using WireIndex = std::array<std::uint8_t, 4>;
using WireType = std::array<std::uint8_t, 4>;

constexpr WireType wire_type(MessageType type) { return {static_cast<std::uint8_t>(type), 0, 0, 0}; }

struct Initiation {
  WireType type = wire_type(MessageType::kInitiation);
  WireIndex sender{};
  PublicKey ephemeral{};
  std::array<std::uint8_t, 32 + kTagSize> sealed_static{};
  std::array<std::uint8_t, 12 + kTagSize> sealed_timestamp{};
  Mac mac1{};
  Mac mac2{};
};

struct Response {
  WireType type = wire_type(MessageType::kResponse);
  WireIndex sender{};
  WireIndex receiver{};
  PublicKey ephemeral{};
  std::array<std::uint8_t, kTagSize> sealed_nothing{};
  Mac mac1{};
  Mac mac2{};
};

struct CookieReply {
  WireType type = wire_type(MessageType::kCookieReply);
  WireIndex receiver{};
  CookieNonce nonce{};
  std::array<std::uint8_t, 16 + kTagSize> sealed_cookie{};
};

static_assert(sizeof(Initiation) == 148 && alignof(Initiation) == 1);
static_assert(sizeof(Response) == 92 && alignof(Response) == 1);
static_assert(sizeof(CookieReply) == 64 && alignof(CookieReply) == 1);

inline constexpr std::size_t kTransportHeaderSize = 16;
inline constexpr std::size_t kTransportOverhead = kTransportHeaderSize + kTagSize;  // 32: a keepalive
inline constexpr std::size_t kMacsSize = 2 * sizeof(Mac);                           // at the end of 1 and 2

// What kind of message the datagram is, if its type, reserved bytes and length are right.
std::optional<MessageType> classify(Bytes datagram) noexcept;

// REQUIRES: classify() named the type of T.
template <typename T>
T read_message(Bytes datagram) noexcept {
  T message;
  std::memcpy(&message, datagram.data(), sizeof message);
  return message;
}

// The message as bytes.
template <typename T>
Bytes bytes_of(const T& message) noexcept {
  static_assert(alignof(T) == 1);
  return {reinterpret_cast<const std::uint8_t*>(&message), sizeof message};
}

// The receiver index of a response, cookie reply or transport message.
// REQUIRES: classify() named the type.
std::uint32_t receiver_index(Bytes datagram, MessageType type) noexcept;

inline std::uint64_t transport_counter(Bytes datagram) noexcept {
  return load_le<std::uint64_t>(datagram.data() + 8);
}
// REQUIRES: kTransportHeaderSize bytes at `out`.
void write_transport_header(std::uint8_t* out, std::uint32_t receiver, std::uint64_t counter) noexcept;

// Bytes of padding that make a packet a multiple of 16 without passing the MTU.
std::size_t padding_for(std::size_t packet_size, std::size_t mtu) noexcept;

}  // namespace wgr::wireguard
