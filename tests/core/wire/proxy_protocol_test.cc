#include "core/wire/proxy_protocol.h"

#include "gtest/gtest.h"

namespace wgr::wire {
namespace {

using Header = std::vector<std::uint8_t>;

Header header_of(const char* client, const char* local) {
  std::array<std::uint8_t, kMaxProxyHeader> into{};
  const Bytes bytes = write_proxy_header(into, *SocketAddress::parse(client), *SocketAddress::parse(local));
  return {bytes.begin(), bytes.end()};
}

constexpr std::uint8_t kSignature[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

TEST(ProxyProtocolTest, Ipv4Vector) {
  Header expected(std::begin(kSignature), std::end(kSignature));
  const Header rest{0x21, 0x11, 0x00, 0x0c, 198, 51, 100, 7, 203, 0, 113, 1, 0xc0, 0x01, 0x1f, 0x90};
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(header_of("198.51.100.7:49153", "203.0.113.1:8080"), expected);
}

TEST(ProxyProtocolTest, Ipv6Vector) {
  Header expected(std::begin(kSignature), std::end(kSignature));
  const Header rest{0x21, 0x21, 0x00, 0x24, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0, 0,
                    0,    0,    0,    0,    0,    7,    0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, 0, 0,
                    0,    0,    0,    0,    0,    0,    0,    1,    0,    0x50, 0x01, 0xbb};
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(header_of("[2001:db8::7]:80", "[2001:db8:ffff::1]:443"), expected);
}

}  // namespace
}  // namespace wgr::wire
