#include "wireguard/endpoint_name.h"

#include <algorithm>

#include "core/address.h"
#include "core/text.h"

namespace wgr::wireguard {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_host(std::string_view text) {
  if (IpAddress::parse(text)) return true;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return false;
  std::string_view last;
  for (std::string_view rest = text;;) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_label(last)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // A resolver may read a numeric last label as an address in an odd notation.
  return !is_digit(last.front());
}

std::optional<EndpointName> parse_endpoint_name(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  const bool is_v6 = ip && ip->is_v6();
  const std::optional<std::uint64_t> port = parse_number(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535 || is_v6 != is_bracketed || !is_host(host)) return std::nullopt;
  return EndpointName{std::string{host}, static_cast<std::uint16_t>(*port)};
}

std::string to_string(const EndpointName& endpoint) {
  const bool is_v6 = endpoint.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

}  // namespace wgr::wireguard
