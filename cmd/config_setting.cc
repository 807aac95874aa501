#include "cmd/config_setting.h"

#include <algorithm>

#include "cmd/config_forward.h"
#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"
#include "wireguard/endpoint_name.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

using namespace setting_kinds;

std::optional<std::string> bad_key(std::string_view text) {
  if (text == kRedacted) return std::string{"is the placeholder that print-config writes; put the key there"};
  return "the value is not one (" + std::to_string(text.size()) + " characters)";
}

PeerSetting public_key() {
  PeerSetting setting;
  setting.path = "public_key";
  setting.expected = wireguard::kKeyForm;
  setting.help = "The peer's public key. Required.";
  setting.set = [](PeerEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto key = wireguard::parse_public_key(texts[0]);
    if (!key) return bad_key(texts[0]);
    if (std::all_of(key->begin(), key->end(), [](auto byte) { return byte == 0; })) return "is all zero";
    entry.peer.public_key = *key;
    return std::nullopt;
  };
  setting.get = [](const PeerEntry& entry) { return Texts{wireguard::to_base64(entry.peer.public_key)}; };
  return setting;
}

PeerSetting preshared_key() {
  PeerSetting setting;
  setting.path = "preshared_key";
  setting.expected = wireguard::kKeyForm;
  setting.help = "A secret shared with this peer, mixed into every handshake.";
  setting.is_secret = true;
  setting.set = [](PeerEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const auto key = wireguard::parse_secret_key(texts[0]);
    if (!key) return bad_key(texts[0]);
    // All zero is how every WireGuard tool writes "none".
    entry.peer.preshared_key = key->is_zero() ? std::nullopt : key;
    return std::nullopt;
  };
  setting.get = [](const PeerEntry& entry) {
    const bool is_inline = entry.peer.preshared_key && entry.preshared_key_file.empty();
    return is_inline ? Texts{std::string{kRedacted}} : Texts{};
  };
  return setting;
}

// Path and query may hold a token: so they are neither printed nor quoted.
std::string printed(const ws::wireguard::DialUrl& url) {
  const bool is_default = url.target == ws::wireguard::kDefaultDialTarget;
  return url.to_string() + (is_default ? url.target : "/" + std::string{kRedacted});
}

std::optional<std::string> set_dial(PeerEntry& entry, const std::string& text) {
  const auto url = ws::wireguard::parse_dial_url(text);
  if (!url) return "the URL cannot be used: " + std::string{url.error()};
  if (url->target == "/" + std::string{kRedacted}) {
    return std::string{"is the placeholder that print-config writes; put the path there"};
  }
  entry.dial = *url;
  entry.peer.endpoint.reset();
  return std::nullopt;
}

PeerSetting endpoint() {
  PeerSetting setting;
  setting.path = "endpoint";
  setting.expected = "host:port, [IPv6]:port, 1.2.3.4:port, wss://host[:port][/path] or ws://...";
  setting.help = "Where to reach the peer. A host name is resolved again when handshakes stay unanswered.";
  setting.set = [](PeerEntry& entry, const Texts& texts) -> std::optional<std::string> {
    if (texts[0].find("://") != std::string::npos) return set_dial(entry, texts[0]);
    const auto parsed = wireguard::parse_endpoint_name(texts[0]);
    if (!parsed) return is_not_one(texts[0]);
    entry.peer.endpoint = *parsed;
    entry.dial.reset();
    return std::nullopt;
  };
  setting.get = [](const PeerEntry& entry) {
    if (entry.dial) return Texts{printed(*entry.dial)};
    return entry.peer.endpoint ? Texts{wireguard::to_string(*entry.peer.endpoint)} : Texts{};
  };
  return setting;
}

PeerSetting persistent_keepalive() {
  PeerSetting setting;
  setting.path = "persistent_keepalive";
  setting.expected = "seconds, 0 to 65535, or off";
  setting.help = "A keepalive this often, for a peer behind NAT; 0 is off, 25 is usual.";
  setting.set = [](PeerEntry& entry, const Texts& texts) -> std::optional<std::string> {
    const bool is_off = to_lower(texts[0]) == "off";
    const std::optional<std::uint64_t> seconds = is_off ? 0 : parse_number(texts[0]);
    if (!seconds || *seconds > 65535) return is_not_one(texts[0]);
    entry.peer.persistent_keepalive = std::chrono::seconds{*seconds};
    return std::nullopt;
  };
  setting.get = [](const PeerEntry& entry) {
    return Texts{std::to_string(entry.peer.persistent_keepalive.count())};
  };
  return setting;
}

std::vector<PeerSetting> make_peer_settings() {
  std::vector<PeerSetting> table;
  table.push_back(text<PeerEntry>(
      "name", [](auto& entry) -> auto& { return entry.peer.name; }, "a name",
      "What logs and metrics call the peer."));
  table.push_back(public_key());
  table.push_back(preshared_key());
  table.push_back(text<PeerEntry>(
      "preshared_key_file", [](auto& entry) -> auto& { return entry.preshared_key_file; },
      "the path of a file with mode 0600", "The same from a file."));
  table.push_back(list<PeerEntry>(
      "allowed_ips", [](auto& entry) -> auto& { return entry.peer.allowed_ips; },
      [](std::string_view item) { return Prefix::parse(item); },
      [](const Prefix& prefix) { return prefix.to_string(); },
      "a list of prefixes like 10.86.0.2/32 or fd86::2/128",
      "Inner addresses that are the peer's: accepted as its sources, routed to it. A bare address is a /32 "
      "or /128."));
  table.push_back(endpoint());
  table.push_back(persistent_keepalive());
  table.push_back(boolean<PeerEntry>(
      "enabled", [](auto& entry) -> auto& { return entry.is_enabled; },
      "false keeps the entry but serves it not."));
  table.push_back(rules<PeerEntry>(
      "egress.allow", [](auto& entry) -> auto& { return entry.egress.allow; },
      "Like egress.allow, for this peer only; asked before the global rules."));
  table.push_back(rules<PeerEntry>(
      "egress.deny", [](auto& entry) -> auto& { return entry.egress.deny; },
      "Like egress.deny, for this peer only."));
  return table;
}

std::vector<Setting> make_settings() {
  std::vector<Setting> table = router_settings();
  for (auto part : {ingress_settings(), observation_settings(), stack_settings()}) {
    for (Setting& setting : part) table.push_back(std::move(setting));
  }
  return table;
}

constexpr std::string_view kNetworks = "lan.networks.";
constexpr std::string_view kVariablePrefix = "WGROUTER_";

}  // namespace

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table = make_settings();
  return table;
}

const std::vector<PeerSetting>& peer_settings() {
  static const std::vector<PeerSetting> table = make_peer_settings();
  return table;
}

const Setting* find_setting(std::string_view path) { return find_in(settings(), path); }

const PeerSetting* find_peer_setting(std::string_view name) { return find_in(peer_settings(), name); }

bool is_network_name(std::string_view name) {
  constexpr std::size_t kMost = 31;
  return !name.empty() && name.size() <= kMost && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<NetworkPath> find_network_setting(std::string_view path) {
  if (!path.starts_with(kNetworks)) return std::nullopt;
  path.remove_prefix(kNetworks.size());
  const std::size_t dot = std::min(path.find('.'), path.size());
  const LanSetting* setting = find_in(lan_settings(), path.substr(std::min(dot + 1, path.size())));
  if (setting == nullptr || !is_network_name(path.substr(0, dot))) return std::nullopt;
  return NetworkPath{std::string{path.substr(0, dot)}, setting};
}

std::optional<NetworkPath> find_network_variable(std::string_view name) {
  const std::string prefix = variable_name(kNetworks);
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  // The longest key wins: a name may itself end like one.
  std::optional<NetworkPath> found;
  std::size_t most = 0;
  for (const LanSetting& setting : lan_settings()) {
    const std::string suffix = variable_name(setting.path).substr(kVariablePrefix.size() - 1);
    if (!name.ends_with(suffix) || suffix.size() <= most) continue;
    std::string network = to_lower(name.substr(0, name.size() - suffix.size()));
    std::replace(network.begin(), network.end(), '_', '-');
    if (!is_network_name(network)) continue;
    found = NetworkPath{std::move(network), &setting};
    most = suffix.size();
  }
  return found;
}

std::string variable_name(std::string_view path) {
  std::string name{kVariablePrefix};
  for (const char c : path) {
    name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::optional<Shape> shape_of(std::string_view path) {
  if (const Setting* setting = find_setting(path)) return setting->shape;
  if (const auto network = find_network_setting(path)) return network->setting->shape;
  if (path == kForwardsPath) return Shape::kList;
  return std::nullopt;
}

}  // namespace wgr
