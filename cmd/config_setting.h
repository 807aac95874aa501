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

// A scalar is one text; a list any number of them.
using Texts = std::vector<std::string>;

enum class Shape : std::uint8_t { kScalar, kList };

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
  // Secrets give kRedacted, or nothing when unset.
  std::function<Texts(const Target&)> get;
};

using Setting = BasicSetting<Config>;
using PeerSetting = BasicSetting<PeerEntry>;

// Every key but wireguard.peers, grouped by section, in the order of the documentation.
const std::vector<Setting>& settings();
// The keys of one entry of wireguard.peers.
const std::vector<PeerSetting>& peer_settings();

// nullptr when there is none.
const Setting* find_setting(std::string_view path);
const PeerSetting* find_peer_setting(std::string_view name);

// The two parts of settings().
std::vector<Setting> router_settings();
std::vector<Setting> stack_settings();

}  // namespace wgr
