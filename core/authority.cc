#include "core/authority.h"

#include "core/address.h"
#include "core/egress/host_name.h"
#include "core/text.h"

namespace wgr {

using namespace std::string_view_literals;

Result<HostAndRest, std::string_view> cut_host(std::string_view text) {
  if (!text.starts_with('[')) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
      return HostAndRest{text, std::nullopt};
    }
    return HostAndRest{text.substr(0, colon), text.substr(colon + 1)};
  }
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return "the bracket is not closed"sv;
  HostAndRest parts{.host = text.substr(1, close - 1), .rest = std::nullopt, .is_bracketed = true};
  const std::string_view behind = text.substr(close + 1);
  if (behind.empty()) return parts;
  if (behind.front() != ':') return "only :PORT may follow the bracket"sv;
  parts.rest = behind.substr(1);
  return parts;
}

Result<Authority, std::string_view> parse_authority(std::string_view text) {
  const auto parts = cut_host(text);
  if (!parts) return parts.error();
  Authority authority{.host = parts->host, .port = std::nullopt};
  const auto address = IpAddress::parse(parts->host);
  const bool is_v6 = address && address->is_v6();
  if (parts->is_bracketed && !is_v6) return "brackets are for IPv6 addresses"sv;
  if (!parts->is_bracketed && parts->host.find(':') != std::string_view::npos) {
    return is_v6 ? "an IPv6 address needs brackets"sv : "there is more than one colon"sv;
  }
  if (authority.host.empty()) return "the host is missing"sv;
  if (!parts->rest) return authority;
  const auto port = parse_number(*parts->rest);
  if (!port || *port == 0 || *port > 65535) return "the port is no number from 1 to 65535"sv;
  authority.port = static_cast<std::uint16_t>(*port);
  return authority;
}

bool is_host(std::string_view host) noexcept {
  return IpAddress::parse(host).has_value() || egress::is_host_name(host);
}

std::string bracketed(std::string_view host) {
  if (host.find(':') == std::string_view::npos) return std::string{host};
  return "[" + std::string{host} + "]";
}

std::string host_and_port(std::string_view host, std::uint16_t port) {
  return bracketed(host) + ":" + std::to_string(port);
}

}  // namespace wgr
