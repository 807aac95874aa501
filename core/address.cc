#include "core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>

namespace wgr {
namespace {

// Copies into a terminated buffer for inet_pton; empty when the text cannot be an address.
template <std::size_t N>
bool terminate(std::string_view text, char (&buffer)[N]) noexcept {
  if (text.empty() || text.size() >= N || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), buffer);
  buffer[text.size()] = '\0';
  return true;
}

template <typename Integer>
std::optional<Integer> parse_decimal(std::string_view text, unsigned max) noexcept {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool padded = text.size() > 1 && text.front() == '0';
  if (text.empty() || padded || error != std::errc{} || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return static_cast<Integer>(value);
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
  const std::uint8_t bytes[] = {a, b, c, d};
  return from_bytes(bytes);
}

IpAddress IpAddress::v4(std::uint32_t host_order) noexcept {
  std::uint8_t bytes[4];
  store_be(bytes, host_order);
  return from_bytes(bytes);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  char buffer[INET6_ADDRSTRLEN];
  if (!terminate(text, buffer)) return std::nullopt;
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET, buffer, bytes) == 1) return from_bytes(Bytes{bytes, 4});
  if (inet_pton(AF_INET6, buffer, bytes) == 1) return from_bytes(Bytes{bytes, 16});
  return std::nullopt;
}

std::uint32_t IpAddress::to_v4() const noexcept {
  assert(is_v4());
  return load_be<std::uint32_t>(bytes_.data());
}

bool IpAddress::is_unspecified() const noexcept {
  return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_multicast() const noexcept {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_link_local() const noexcept {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
  return buffer;
}

Prefix::Prefix(const IpAddress& address, unsigned length) noexcept
    : length_(static_cast<std::uint8_t>(length)) {
  assert(length <= address.bit_length());
  std::uint8_t bytes[16]{};
  const Bytes from = address.bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto kept =
        static_cast<unsigned>(std::clamp<int>(static_cast<int>(length) - static_cast<int>(8 * i), 0, 8));
    bytes[i] = static_cast<std::uint8_t>(from[i] & (0xff00u >> kept));
  }
  address_ = IpAddress::from_bytes(Bytes{bytes, from.size()});
}

std::optional<Prefix> Prefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix{*address, address->bit_length()};
  const auto length = parse_decimal<std::uint8_t>(text.substr(slash + 1), address->bit_length());
  if (!length) return std::nullopt;
  return Prefix{*address, *length};
}

bool Prefix::contains(const IpAddress& address) const noexcept {
  return address.family() == family() && Prefix{address, length_}.address_ == address_;
}

std::string Prefix::to_string() const { return address_.to_string() + "/" + std::to_string(length_); }

IpAddress source_of(const IpAddress& address) noexcept {
  constexpr unsigned kV6SourceBits = 64;
  return address.is_v4() ? address : Prefix{address, kV6SourceBits}.address();
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  const auto port = parse_decimal<std::uint16_t>(text.substr(colon + 1), 65535);
  if (!ip || !port || bracketed != ip->is_v6()) return std::nullopt;
  return SocketAddress{*ip, *port};
}

std::string SocketAddress::to_string() const {
  const std::string host = ip.is_v6() ? "[" + ip.to_string() + "]" : ip.to_string();
  return host + ":" + std::to_string(port);
}

}  // namespace wgr

std::size_t std::hash<wgr::IpAddress>::operator()(const wgr::IpAddress& ip) const noexcept {
  std::size_t mixed = static_cast<std::size_t>(ip.family());
  for (std::uint8_t byte : ip.bytes()) mixed = mixed * 0x100000001b3u ^ byte;
  return mixed;
}
