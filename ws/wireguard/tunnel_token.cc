#include "ws/wireguard/tunnel_token.h"

#include <algorithm>
#include <vector>

#include "core/address.h"
#include "core/base64.h"
#include "core/text.h"
#include "ws/utf8.h"

namespace wgr::ws::wireguard {
namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxHost = 255;

// The part of JSON (RFC 8259) that claims need: objects, strings, and everything else skipped.
class Json {
 public:
  explicit Json(std::string_view text) : text_(text) {}

  bool is_at_end() {
    skip_space();
    return text_.empty();
  }
  bool take(char expected) {
    skip_space();
    if (text_.empty() || text_.front() != expected) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool next_is(char expected) {
    skip_space();
    return !text_.empty() && text_.front() == expected;
  }

  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string value;
    while (!text_.empty() && text_.front() != '"') {
      if (static_cast<unsigned char>(text_.front()) < 0x20) return std::nullopt;
      if (text_.front() == '\\') {
        if (!take_escape(value)) return std::nullopt;
      } else {
        value += text_.front();
        text_.remove_prefix(1);
      }
    }
    if (!take('"')) return std::nullopt;
    return value;
  }

  // Digits, letters, signs: a number, true, false or null. Which of them is told by who needs to know.
  std::string_view word() {
    skip_space();
    const std::size_t size = std::min(text_.find_first_not_of(kWordCharacters), text_.size());
    const std::string_view value = text_.substr(0, size);
    text_.remove_prefix(size);
    return value;
  }

  // Calls `member(name)` at each value, which it must take; false as soon as that is.
  template <typename Member>
  bool object(Member&& member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      const std::optional<std::string> name = string();
      if (!name || !take(':') || !member(*name)) return false;
    } while (take(','));
    return take('}');
  }

  bool skip(int depth = 0) {
    if (depth == kMaxDepth) return false;
    if (next_is('"')) return string().has_value();
    if (next_is('{')) return object([&](const std::string&) { return skip(depth + 1); });
    if (!take('[')) return !word().empty();
    if (take(']')) return true;
    do {
      if (!skip(depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

 private:
  static constexpr std::string_view kWordCharacters =
      "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }

  // Names and addresses need none but these; \uXXXX stands for text they cannot hold.
  bool take_escape(std::string& value) {
    if (text_.size() < 2) return false;
    const char escaped = text_[1];
    if (escaped != '"' && escaped != '\\' && escaped != '/') return false;
    value += escaped;
    text_.remove_prefix(2);
    return true;
  }

  std::string_view text_;
};

// "Udp" of {"Udp": {...}}, or of "Udp" alone.
std::optional<std::string> protocol_of(Json& json) {
  if (json.next_is('"')) return json.string();
  std::optional<std::string> protocol;
  const bool is_sound = json.object([&](const std::string& name) {
    if (protocol) return false;
    protocol = name;
    return json.skip();
  });
  if (!is_sound) return std::nullopt;
  return protocol;
}

// The host as URLs write it has brackets around an IPv6 address.
std::string without_brackets(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

bool set_host(TunnelRequest& request, std::string host) {
  host = without_brackets(std::move(host));
  const bool is_clean = std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (host.empty() || host.size() > kMaxHost || !is_clean) return false;
  request.host = std::move(host);
  return true;
}

bool set_port(TunnelRequest& request, std::string_view digits) {
  const auto port = parse_number(digits);
  if (!port || *port > 65535) return false;
  request.port = static_cast<std::uint16_t>(*port);
  return true;
}

std::optional<TunnelRequest> parse_claims(std::string_view text) {
  Json json{text};
  TunnelRequest request;
  bool has_protocol = false;
  bool has_host = false;
  bool has_port = false;
  const bool is_sound = json.object([&](const std::string& name) {
    if (name == "p" && !has_protocol) {
      const auto protocol = protocol_of(json);
      if (protocol) request.protocol = *protocol;
      has_protocol = true;
      return protocol.has_value();
    }
    if (name == "r" && !has_host) {
      const auto host = json.string();
      has_host = true;
      return host && set_host(request, *host);
    }
    if (name == "rp" && !has_port) {
      has_port = true;
      return set_port(request, json.word());
    }
    return name != "p" && name != "r" && name != "rp" && json.skip();
  });
  if (!is_sound || !json.is_at_end() || !has_protocol || !has_host || !has_port) return std::nullopt;
  return request;
}

// "LOCALHOST." is "localhost", "::0001" is "::1".
std::string normal_host(const std::string& text) {
  std::string host = to_lower(without_brackets(text));
  if (host.ends_with('.')) host.pop_back();
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  return ip ? ip->to_string() : host;
}

// The unspecified address leads a socket of this machine to itself, too.
bool is_this_machine(const std::string& host) {
  const std::optional<IpAddress> ip = IpAddress::parse(host);
  return ip ? ip->is_loopback() || ip->is_unspecified() : host == "localhost";
}

}  // namespace

bool is_tunnel_path(std::string_view path) noexcept {
  constexpr std::string_view kEnd = "/events";
  return path.starts_with('/') && path.ends_with(kEnd) && path.size() > kEnd.size() + 1;
}

std::optional<TunnelRequest> parse_tunnel_token(std::string_view subprotocol) {
  if (!subprotocol.starts_with(kTunnelTokenPrefix) || subprotocol.size() > kMaxTunnelToken)
    return std::nullopt;
  const std::string_view token = subprotocol.substr(kTunnelTokenPrefix.size());
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const auto claims = from_base64url(token.substr(first + 1, second - first - 1));
  if (!claims || !is_utf8(*claims)) return std::nullopt;
  return parse_claims(text_of(*claims));
}

bool is_for_us(const TunnelRequest& request, const TunnelTargets& targets,
               std::span<const std::string> own_names) {
  const std::string host = normal_host(request.host);
  const auto is_port = [&](std::uint16_t port) { return port == 0 || port == request.port; };
  const auto is_host = [&](const std::string& name) { return !name.empty() && normal_host(name) == host; };
  const bool is_ours = is_this_machine(host) || std::ranges::any_of(own_names, is_host);
  if (is_ours && is_port(targets.port)) return true;
  return std::ranges::any_of(targets.others, [&](const TunnelTarget& target) {
    if (target.host == "*") return true;
    return is_host(target.host) && is_port(target.port == 0 ? targets.port : target.port);
  });
}

}  // namespace wgr::ws::wireguard
