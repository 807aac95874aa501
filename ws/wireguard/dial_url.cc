#include "ws/wireguard/dial_url.h"

#include <algorithm>
#include <optional>

#include "core/address.h"
#include "core/egress/host_name.h"
#include "core/text.h"
#include "ws/base64.h"

namespace wgr::ws::wireguard {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxUrl = 2048;

constexpr std::string_view kBadHost = "its host is neither a name nor an address (IPv6 in brackets)";
constexpr std::string_view kBadPort = "its port is no number from 1 to 65535";

struct Authority {
  std::string host;
  std::optional<std::uint16_t> port;
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (to_lower(text.substr(0, prefix.size())) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<Authority, std::string_view> parse_authority(std::string_view text) {
  Authority authority;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return kBadHost;
    authority.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    const auto address = IpAddress::parse(authority.host);
    if (!address || !address->is_v6()) return kBadHost;
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    authority.host = text.substr(0, end);
    rest = text.substr(end);
    if (!IpAddress::parse(authority.host) && !egress::is_host_name(authority.host)) return kBadHost;
  }
  if (rest.empty()) return authority;
  if (rest.front() != ':') return kBadHost;
  const auto port = parse_number(rest.substr(1));
  if (!port || *port == 0 || *port > 65535) return kBadPort;
  authority.port = static_cast<std::uint16_t>(*port);
  return authority;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string host_and_port(std::string_view host, std::uint16_t port) {
  std::string text{host};
  if (host.find(':') != std::string_view::npos) text = "[" + text + "]";
  return text + ":" + std::to_string(port);
}

std::string DialUrl::authority() const {
  std::string text = host_and_port(host, port);
  if (port == (is_tls ? kHttpsPort : kHttpPort)) text.resize(text.rfind(':'));
  return text;
}

std::string DialUrl::to_string() const { return (is_tls ? "wss://" : "ws://") + authority(); }

Result<DialUrl, std::string_view> parse_dial_url(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.size() > kMaxUrl || !is_printable(text)) return "it holds what no URL can"sv;
  DialUrl url;
  url.is_tls = take_prefix(text, "wss://");
  if (!url.is_tls && !take_prefix(text, "ws://")) return "it begins with neither wss:// nor ws://"sv;
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view target = text.substr(end);
  if (text.substr(0, end).find('@') != std::string_view::npos) {
    return "a password in it would not be sent; put a token into the path or the query"sv;
  }
  if (target.find('#') != std::string_view::npos) return "it has a fragment, which no server sees"sv;
  const auto authority = parse_authority(text.substr(0, end));
  if (!authority) return authority.error();
  url.host = authority->host;
  url.port = authority->port.value_or(url.is_tls ? kHttpsPort : kHttpPort);
  if (!target.empty() && target != "/") url.target = (target.front() == '?' ? "/" : "") + std::string{target};
  return url;
}

Result<ProxyUrl, std::string_view> parse_proxy_url(std::string_view text) {
  using namespace std::string_view_literals;
  if (text.size() > kMaxUrl || !is_printable(text)) return "it holds what no URL can"sv;
  if (!take_prefix(text, "http://")) return "it does not begin with http://"sv;
  if (text.ends_with('/')) text.remove_suffix(1);
  ProxyUrl proxy;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view secret = text.substr(0, at);
    proxy.authorization =
        "Basic " + to_base64({reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size()});
    text.remove_prefix(at + 1);
  }
  const auto authority = parse_authority(text);
  if (!authority) return authority.error();
  proxy.host = authority->host;
  proxy.port = authority->port.value_or(kHttpPort);
  return proxy;
}

}  // namespace wgr::ws::wireguard
