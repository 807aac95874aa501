#include "ws/forwarded.h"

#include <algorithm>
#include <string>

#include "core/authority.h"
#include "core/text.h"

namespace wgr::ws {
namespace {

constexpr std::size_t kMaxHops = 32;

// The elements of all headers of one name, in order.
std::vector<std::string> elements_of(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> elements;
  for (const auto& [header, value] : request.headers) {
    if (header != name) continue;
    const std::vector<std::string> more = split_list(value);
    elements.insert(elements.end(), more.begin(), more.end());
  }
  return elements;
}

std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// The value of one parameter of a Forwarded element: "for=192.0.2.1;proto=https".
std::string_view parameter(std::string_view element, std::string_view name) {
  while (!element.empty()) {
    const std::size_t end = std::min(element.find(';'), element.size());
    const std::string_view pair = element.substr(0, end);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && to_lower(trim(pair.substr(0, equals))) == name) {
      return unquote(trim(pair.substr(equals + 1)));
    }
    element.remove_prefix(std::min(end + 1, element.size()));
  }
  return {};
}

// An address, alone or with a port; IPv6 with or without brackets.
std::optional<SocketAddress> parse_node(std::string_view text) {
  if (const auto ip = IpAddress::parse(text)) return SocketAddress{*ip, 0};
  const auto authority = parse_authority(text);
  const auto ip = authority ? IpAddress::parse(authority->host) : std::nullopt;
  return ip ? std::optional{SocketAddress{*ip, authority->port.value_or(0)}} : std::nullopt;
}

SocketAddress last_certain(std::span<const std::string> nodes, const SocketAddress& peer,
                           std::span<const Prefix> trusted) {
  SocketAddress certain = peer;
  std::size_t hops = 0;
  for (std::size_t i = nodes.size(); i > 0 && hops < kMaxHops; --i, ++hops) {
    const auto node = parse_node(nodes[i - 1]);
    if (!node) return certain;
    certain = *node;
    if (!is_trusted_proxy(node->ip, trusted)) return certain;
  }
  return certain;
}

}  // namespace

bool is_trusted_proxy(const IpAddress& address, std::span<const Prefix> trusted) noexcept {
  return std::ranges::any_of(trusted, [&](const Prefix& prefix) { return prefix.contains(address); });
}

SocketAddress forwarded_source(const HttpRequest& request, const SocketAddress& peer,
                               std::span<const Prefix> trusted) {
  const std::vector<std::string> x_forwarded_for = elements_of(request, "x-forwarded-for");
  std::vector<std::string> forwarded;
  for (const std::string& element : elements_of(request, "forwarded")) {
    forwarded.emplace_back(parameter(element, "for"));
  }
  if (forwarded.empty()) return last_certain(x_forwarded_for, peer, trusted);
  const SocketAddress standard = last_certain(forwarded, peer, trusted);
  if (x_forwarded_for.empty()) return standard;
  return last_certain(x_forwarded_for, peer, trusted).ip == standard.ip ? standard : peer;
}

Scheme forwarded_scheme(const HttpRequest& request, Scheme otherwise) {
  std::string said;
  if (const auto protocols = elements_of(request, "x-forwarded-proto"); !protocols.empty()) {
    said = protocols.back();
  } else if (const auto elements = elements_of(request, "forwarded"); !elements.empty()) {
    said = parameter(elements.back(), "proto");
  }
  said = to_lower(said);
  if (said == "https" || said == "wss") return Scheme::kHttps;
  return said == "http" || said == "ws" ? Scheme::kHttp : otherwise;
}

}  // namespace wgr::ws
