#include "cmd/config.h"

#include <utility>

namespace wgr {
namespace {

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> problems)
    : std::runtime_error(join_lines(problems)), problems_(std::move(problems)) {}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) noexcept {
  const std::optional<Prefix> prefix = Prefix::parse(text);
  const std::optional<IpAddress> ip = IpAddress::parse(text.substr(0, text.find('/')));
  if (!prefix || !ip) return std::nullopt;
  return InterfaceAddress{*ip, prefix->length()};
}

std::string InterfaceAddress::to_string() const { return ip.to_string() + "/" + std::to_string(length); }

InterfaceAddress NetworkConfig::default_ipv6() { return *InterfaceAddress::parse("fd86::1/64"); }

}  // namespace wgr
