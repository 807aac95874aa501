#include "core/wire/proxy_protocol.h"

#include <algorithm>
#include <cassert>

namespace wgr::wire {
namespace {

constexpr std::array<std::uint8_t, 12> kSignature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::uint8_t kVersion2Proxy = 0x21;
constexpr std::uint8_t kTcpOverIpv4 = 0x11;
constexpr std::uint8_t kTcpOverIpv6 = 0x21;

}  // namespace

Bytes write_proxy_header(std::array<std::uint8_t, kMaxProxyHeader>& into, const SocketAddress& client,
                         const SocketAddress& local) noexcept {
  assert(client.ip.family() == local.ip.family());
  std::uint8_t* at = std::copy(kSignature.begin(), kSignature.end(), into.data());
  const std::size_t address_size = client.ip.bytes().size();
  const std::size_t length = 2 * address_size + 4;
  *at++ = kVersion2Proxy;
  *at++ = client.ip.is_v4() ? kTcpOverIpv4 : kTcpOverIpv6;
  store_be(at, static_cast<std::uint16_t>(length));
  at += 2;
  for (const SocketAddress* end : {&client, &local}) {
    const Bytes ip = end->ip.bytes();
    at = std::copy(ip.begin(), ip.end(), at);
  }
  store_be(at, client.port);
  store_be(at + 2, local.port);
  return Bytes{into}.first(16 + length);
}

}  // namespace wgr::wire
