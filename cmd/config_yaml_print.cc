#include <yaml-cpp/yaml.h>

#include "cmd/config_setting.h"
#include "cmd/config_yaml.h"

namespace wgr {
namespace {

// Numbers, booleans and plain words stay bare; yaml-cpp quotes what needs it.
void print_value(YAML::Emitter& out, const Texts& texts, Shape shape) {
  if (shape == Shape::kScalar) {
    out << texts[0];
    return;
  }
  out << YAML::Flow << YAML::BeginSeq;
  for (const std::string& text : texts) out << text;
  out << YAML::EndSeq;
}

// An unset scalar is left out; an empty list is printed, because it may differ from the default.
template <typename Target>
bool is_printed(const BasicSetting<Target>& setting, const Texts& texts) {
  return setting.shape == Shape::kList || !texts.empty();
}

void print_peer(YAML::Emitter& out, const PeerEntry& entry) {
  out << YAML::BeginMap;
  bool in_egress = false;
  for (const PeerSetting& setting : peer_settings()) {
    const Texts texts = setting.get(entry);
    if (!is_printed(setting, texts)) continue;
    std::string name = setting.path;
    if (name.starts_with("egress.")) {
      if (!in_egress) out << YAML::Key << "egress" << YAML::Value << YAML::BeginMap;
      in_egress = true;
      name.erase(0, 7);
    }
    out << YAML::Key << name << YAML::Value;
    print_value(out, texts, setting.shape);
  }
  if (in_egress) out << YAML::EndMap;
  out << YAML::EndMap;
}

void print_peers(YAML::Emitter& out, const std::vector<PeerEntry>& peers) {
  out << YAML::Key << "peers" << YAML::Value << YAML::BeginSeq;
  for (const PeerEntry& entry : peers) print_peer(out, entry);
  out << YAML::EndSeq;
}

}  // namespace

std::string print_yaml_config(const Config& config) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  std::string section;
  const auto close_section = [&] {
    if (section == "wireguard") print_peers(out, config.wireguard.peers);
    if (!section.empty()) out << YAML::EndMap;
  };
  for (const Setting& setting : settings()) {
    const std::size_t dot = setting.path.find('.');
    if (setting.path.compare(0, dot, section) != 0) {
      close_section();
      section = setting.path.substr(0, dot);
      out << YAML::Key << section << YAML::Value << YAML::BeginMap;
    }
    const Texts texts = setting.get(config);
    if (!is_printed(setting, texts)) continue;
    out << YAML::Key << setting.path.substr(dot + 1) << YAML::Value;
    print_value(out, texts, setting.shape);
  }
  close_section();
  out << YAML::EndMap;
  return std::string{out.c_str()} + "\n";
}

}  // namespace wgr
