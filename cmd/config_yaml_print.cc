#include <yaml-cpp/yaml.h>

#include "cmd/config_setting.h"
#include "cmd/config_yaml.h"

namespace wgr {
namespace {

// Numbers, booleans and plain words stay bare; yaml-cpp quotes what needs it.
void print_value(YAML::Emitter& out, const Texts& texts, Shape shape) {
  if (shape == Shape::kScalar) {
    out << texts[0];
  } else if (shape == Shape::kList) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const std::string& text : texts) out << text;
    out << YAML::EndSeq;
  } else {
    out << YAML::Flow << YAML::BeginMap;
    for (const std::string& text : texts) {
      const std::size_t equals = text.rfind('=');
      out << YAML::Key << text.substr(0, equals) << YAML::Value << text.substr(equals + 1);
    }
    out << YAML::EndMap;
  }
}

// An unset scalar is left out; an empty list is printed, because it may differ from the default.
template <typename Target>
bool is_printed(const BasicSetting<Target>& setting, const Texts& texts) {
  return setting.shape != Shape::kScalar || !texts.empty();
}

// The keys of a table, "section.key" in maps of their own. `end(section)` may add to a section.
template <typename Target, typename End>
void print_table(YAML::Emitter& out, const std::vector<BasicSetting<Target>>& table, const Target& target,
                 End end) {
  std::string section;
  const auto enter = [&](std::string_view next) {
    if (section == next) return;
    if (!section.empty()) {
      end(section);
      out << YAML::EndMap;
    }
    section = next;
    if (!section.empty()) out << YAML::Key << section << YAML::Value << YAML::BeginMap;
  };
  for (const BasicSetting<Target>& setting : table) {
    const Texts texts = setting.get(target);
    const std::size_t dot = setting.path.find('.');
    enter(dot == std::string::npos ? "" : std::string_view{setting.path}.substr(0, dot));
    if (!is_printed(setting, texts)) continue;
    out << YAML::Key << setting.path.substr(dot == std::string::npos ? 0 : dot + 1) << YAML::Value;
    print_value(out, texts, setting.shape);
  }
  enter("");
}

// One entry, open for more keys.
template <typename Target>
void begin_entry(YAML::Emitter& out, const std::vector<BasicSetting<Target>>& table, const Target& entry) {
  out << YAML::BeginMap;
  print_table(out, table, entry, [](const std::string&) {});
}

void print_peers(YAML::Emitter& out, const std::vector<PeerEntry>& peers) {
  out << YAML::Key << "peers" << YAML::Value << YAML::BeginSeq;
  for (const PeerEntry& entry : peers) {
    begin_entry(out, peer_settings(), entry);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void print_networks(YAML::Emitter& out, const std::vector<LanEntry>& networks) {
  if (networks.empty()) return;
  out << YAML::Key << "networks" << YAML::Value << YAML::BeginMap;
  for (const LanEntry& entry : networks) {
    out << YAML::Key << entry.network.name << YAML::Value;
    begin_entry(out, lan_settings(), entry);
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

void print_listeners(YAML::Emitter& out, const std::vector<ListenerEntry>& listeners) {
  if (listeners.empty()) return;
  out << YAML::Key << "listeners" << YAML::Value << YAML::BeginSeq;
  for (const ListenerEntry& entry : listeners) {
    begin_entry(out, listener_settings(), entry);
    out << YAML::Key << "tokens" << YAML::Value << YAML::BeginSeq;
    for (const TokenEntry& token : entry.tokens) {
      begin_entry(out, token_settings(), token);
      out << YAML::EndMap;
    }
    out << YAML::EndSeq << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void print_forwards(YAML::Emitter& out, const std::vector<ForwardEntry>& forwards) {
  if (forwards.empty()) return;
  out << YAML::Key << "forwards" << YAML::Value << YAML::BeginSeq;
  for (const ForwardEntry& entry : forwards) {
    begin_entry(out, forward_settings(), entry);
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

}  // namespace

std::string print_yaml_config(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  print_table(out, settings(), config, [&](const std::string& section) {
    if (section == "wireguard") print_peers(out, config.wireguard.peers);
    if (section == "lan") print_networks(out, config.lan.networks);
  });
  print_listeners(out, config.ingress.listeners);
  print_forwards(out, config.forwards);
  out << YAML::EndMap;
  return std::string{out.c_str()} + "\n";
}

}  // namespace wgr
