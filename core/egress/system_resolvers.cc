#include "core/egress/system_resolvers.h"

#include <algorithm>
#include <fstream>

namespace wgr::egress {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::size_t kMaxFile = 64 * 1024;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kKeyword = "nameserver";

// The word after the keyword, empty if this is another line.
std::string_view server_of(std::string_view line) {
  if (!line.starts_with(kKeyword)) return {};
  line.remove_prefix(kKeyword.size());
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == 0 || begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  return line.substr(0, line.find_first_of(" \t\r;#"));
}

}  // namespace

std::vector<SocketAddress> parse_resolv_conf(std::string_view text) {
  std::vector<SocketAddress> servers;
  while (!text.empty() && servers.size() < kMaxSystemResolvers) {
    const std::size_t end = text.find('\n');
    const auto ip = IpAddress::parse(server_of(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!ip || ip->is_unspecified() || (ip->is_v6() && ip->is_link_local())) continue;
    const SocketAddress server{*ip, kDnsPort};
    if (std::ranges::find(servers, server) == servers.end()) servers.push_back(server);
  }
  return servers;
}

std::vector<SocketAddress> system_resolvers(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string text(kMaxFile, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return parse_resolv_conf(text);
}

}  // namespace wgr::egress
