// The one hash of the handshake (RFC 6455 1.3): it proves that the server read the request, nothing more.
#include <array>
#include <string>

#include "openssl/sha.h"

#include "core/base64.h"
#include "ws/handshake.h"

namespace wgr::ws {

std::string accept_key(std::string_view key) {
  const std::string text = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  return to_base64(digest);
}

}  // namespace wgr::ws
