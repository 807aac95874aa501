// One key of the configuration as data: how it is called, what it takes, how it is read and printed. The
// YAML reader, the environment, the command line, print-config and the documentation all use this one
// table, so that they cannot disagree.
//
// Thread: the tables are built once and immutable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/config.h"

namespace wgr {

// A scalar is one text; a list any number of them; a map any number of "key=value", cut at the last '='.
using Texts = std::vector<std::string>;

enum class Shape : std::uint8_t { kScalar, kList, kMap };

inline constexpr std::string_view kRedacted = "(redacted)";

template <typename Target>
struct BasicSetting {
  std::string path;      // "tcp.ack_delay"
  std::string expected;  // "a duration, 0s to 499ms"
  std::string help;      // one line for the documentation
  Shape shape = Shape::kScalar;
  bool is_secret = false;  // the value is never shown, not even in messages
  // Returns the problem as a sentence, or nullopt when the value was taken. On a problem the target
  // keeps its former value.
  std::function<std::optional<std::string>(Target&, const Texts&)> set;
  // Forgets what a source below has set. Only secrets and their files have it: an empty one is a problem,
  // since it would open what it should close.
  std::function<void(Target&)> unset;
  // Secrets give kRedacted, or nothing when unset.
  std::function<Texts(const Target&)> get;
};

using Setting = BasicSetting<Config>;
using PeerSetting = BasicSetting<PeerEntry>;
using ListenerSetting = BasicSetting<ListenerEntry>;
using TokenSetting = BasicSetting<TokenEntry>;
using LanSetting = BasicSetting<LanEntry>;
using ForwardSetting = BasicSetting<ForwardEntry>;

// Every key but those of entries, grouped by section, in the order of the documentation.
const std::vector<Setting>& settings();
// The keys of one entry of wireguard.peers, of listeners, of a listener's tokens, of lan.networks and of
// forwards.
const std::vector<PeerSetting>& peer_settings();
const std::vector<ListenerSetting>& listener_settings();
const std::vector<TokenSetting>& token_settings();
const std::vector<LanSetting>& lan_settings();
const std::vector<ForwardSetting>& forward_settings();

template <typename Target>
const BasicSetting<Target>* find_in(const std::vector<BasicSetting<Target>>& table, std::string_view path) {
  for (const BasicSetting<Target>& setting : table) {
    if (setting.path == path) return &setting;
  }
  return nullptr;
}

// nullptr when there is none.
const Setting* find_setting(std::string_view path);
const PeerSetting* find_peer_setting(std::string_view name);

// "lan.networks.lab.dhcp.enabled": the key of one virtual LAN, which has its name from the path.
struct NetworkPath {
  std::string network;
  const LanSetting* setting = nullptr;
};
std::optional<NetworkPath> find_network_setting(std::string_view path);
// The same as a variable: "WGROUTER_LAN_NETWORKS_LAB_DHCP_ENABLED"; a '_' in the name stands for '-'.
std::optional<NetworkPath> find_network_variable(std::string_view name);
// Lower-case letters, digits and '-', 1 to 31 characters.
bool is_network_name(std::string_view name);

// "tcp.ack_delay" -> "WGROUTER_TCP_ACK_DELAY".
std::string variable_name(std::string_view path);

// Of any key that one text can set; nullopt: there is none.
std::optional<Shape> shape_of(std::string_view path);

// The parts of settings().
std::vector<Setting> router_settings();
std::vector<Setting> stack_settings();
std::vector<Setting> ingress_settings();
std::vector<Setting> observation_settings();

}  // namespace wgr
