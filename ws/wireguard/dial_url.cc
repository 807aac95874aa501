#include "ws/wireguard/dial_url.h"

#include <algorithm>

#include "core/authority.h"
#include "core/base64.h"
#include "core/text.h"

namespace wgr::ws::wireguard {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxUrl = 2048;

constexpr std::string_view kBadHost = "its host is neither a name nor an address";

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (to_lower(text.substr(0, prefix.size())) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Result<Authority, std::string_view> parse_host(std::string_view text) {
  const auto authority = parse_authority(text);
  if (authority && !is_host(authority->host)) return kBadHost;
  return authority;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string DialUrl::authority() const {
  return port == (is_tls ? kHttpsPort : kHttpPort) ? bracketed(host) : host_and_port(host, port);
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
  const auto authority = parse_host(text.substr(0, end));
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
    proxy.authorization = "Basic " + to_base64(bytes_of(text.substr(0, at)));
    text.remove_prefix(at + 1);
  }
  const auto authority = parse_host(text);
  if (!authority) return authority.error();
  proxy.host = authority->host;
  proxy.port = authority->port.value_or(kHttpPort);
  return proxy;
}

}  // namespace wgr::ws::wireguard
