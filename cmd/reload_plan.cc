#include "cmd/reload_plan.h"

#include <algorithm>
#include <string_view>

#include "cmd/config_setting.h"

namespace wgr {
namespace {

// wireguard.peers is no setting of the table: it is applied as a whole.
bool is_applied_live(std::string_view path) {
  for (const std::string_view live : {"wireguard.private_key", "wireguard.dial_", "egress.", "overlay.",
                                      "log.", "shutdown.", "dns.upstreams", "ws.", "metrics.token"}) {
    if (path.starts_with(live)) return true;
  }
  return false;
}

const LanEntry* find_network(const std::vector<LanEntry>& networks, std::string_view name) {
  const auto found = std::find_if(networks.begin(), networks.end(),
                                  [name](const LanEntry& entry) { return entry.network.name == name; });
  return found == networks.end() ? nullptr : &*found;
}

void add_networks(const std::vector<LanEntry>& now, const std::vector<LanEntry>& next,
                  std::vector<std::string>& waiting) {
  const auto key_of = [](const LanEntry& entry) { return "lan.networks." + entry.network.name; };
  for (const LanEntry& entry : next) {
    const LanEntry* const open = find_network(now, entry.network.name);
    if (open == nullptr) {
      waiting.push_back(key_of(entry));
      continue;
    }
    for (const LanSetting& setting : lan_settings()) {
      const bool is_live = std::string_view{setting.path}.starts_with("egress.");
      if (is_live || setting.get(*open) == setting.get(entry)) continue;
      waiting.push_back(key_of(entry) + "." + setting.path);
    }
  }
  for (const LanEntry& entry : now) {
    if (find_network(next, entry.network.name) == nullptr) waiting.push_back(key_of(entry));
  }
}

}  // namespace

std::vector<std::string> waiting_keys(const Config& now, const Config& next) {
  std::vector<std::string> waiting;
  for (const Setting& setting : settings()) {
    if (is_applied_live(setting.path) || setting.get(now) == setting.get(next)) continue;
    waiting.push_back(setting.path);
  }
  add_networks(now.lan.networks, next.lan.networks, waiting);
  return waiting;
}

void drop_unknown_networks(ws::Config& config, const std::vector<std::string>& networks) {
  const auto is_unknown = [&networks](const std::string& name) {
    return std::find(networks.begin(), networks.end(), name) == networks.end();
  };
  for (ws::ListenerConfig& listener : config.listeners) {
    std::erase_if(listener.routes, [&](const ws::Route& route) {
      return route.service == ws::Service::kEthernet && is_unknown(route.network);
    });
  }
}

}  // namespace wgr
