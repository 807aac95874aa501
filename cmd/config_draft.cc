#include "cmd/config_draft.h"

#include <utility>

#include "cmd/config_forward.h"
#include "core/text.h"
#include "wireguard/key_text.h"
#include "ws/utf8.h"

namespace wgr {
namespace {

constexpr std::string_view kFileSuffix = "_file";

// "passphrase" <-> "passphrase_file". Most keys have no such sibling.
std::string sibling_of(std::string_view path) {
  if (path.ends_with(kFileSuffix)) return std::string{path.substr(0, path.size() - kFileSuffix.size())};
  return std::string{path} + std::string{kFileSuffix};
}

void unset(Config& config, std::string_view path) {
  if (path == "wireguard.private_key") {
    config.wireguard.device.private_key.erase();
    config.wireguard.has_private_key = false;
  } else if (const Setting& setting = *find_setting(path); setting.unset) {
    setting.unset(config);
  } else {
    setting.set(config, {""});  // a text: an empty one unsets
  }
}

}  // namespace

void ConfigDraft::set(const Setting& setting, const Texts& texts, const Origin& origin) {
  if (setting.shape == Shape::kScalar && texts.size() != 1) {
    return problem(origin.where, texts.empty() ? "no value" : "more than one value", setting.expected);
  }
  if (conflicts(setting.path, origin)) return;
  origins_[setting.path] = origin;
  if (const std::optional<std::string> fault = setting.set(config, texts)) {
    problem(origin.where, *fault, setting.expected);
  }
}

void ConfigDraft::set(const NetworkPath& path, const Texts& texts, const Origin& origin) {
  const LanSetting& setting = *path.setting;
  LanEntry& entry = network(path.network, origin.where);
  if (setting.shape == Shape::kScalar && texts.size() != 1) {
    return problem(origin.where, texts.empty() ? "no value" : "more than one value", setting.expected);
  }
  origins_["lan.networks." + path.network + "." + setting.path] = origin;
  if (const std::optional<std::string> fault = setting.set(entry, texts)) {
    problem(origin.where, *fault, setting.expected);
  }
}

bool ConfigDraft::set_text(std::string_view path, std::string_view value, const Origin& origin) {
  const std::optional<Shape> shape = shape_of(path);
  if (!shape) return false;
  const Texts texts = *shape == Shape::kScalar ? Texts{std::string{trim(value)}} : split_list(value);
  if (path == kForwardsPath) {
    origins_[std::string{path}] = origin;
    read_forward_texts(texts, origin, *this);
  } else if (const Setting* setting = find_setting(path)) {
    set(*setting, texts, origin);
  } else {
    set(*find_network_setting(path), texts, origin);
  }
  return true;
}

LanEntry& ConfigDraft::network(std::string_view name, const std::string& origin) {
  for (LanEntry& entry : config.lan.networks) {
    if (entry.network.name == name) return entry;
  }
  LanEntry& entry = config.lan.networks.emplace_back();
  entry.network.name = name;
  entry.origin = origin;
  return entry;
}

bool ConfigDraft::conflicts(const std::string& path, const Origin& origin) {
  const std::string sibling = sibling_of(path);
  const auto other = origins_.find(sibling);
  if (other == origins_.end()) return false;
  if (other->second.layer == origin.layer) {
    problem(origin.where, "the key is also given by " + other->second.where, "only one of the two");
    return true;
  }
  unset(config, sibling);
  origins_.erase(other);
  return false;
}

void ConfigDraft::replace_peers(std::string_view by) {
  if (config.wireguard.peers.empty()) return;
  notice(log::Level::kInfo, std::string{by} + " replaces the " +
                                std::to_string(config.wireguard.peers.size()) +
                                " peers configured before it");
  config.wireguard.peers.clear();
}

void ConfigDraft::problem(std::string_view where, std::string_view sentence, std::string_view expected) {
  std::string line{where};
  line += ": ";
  line += sentence;
  if (!expected.empty()) {
    line += "; expected ";
    line += expected;
  }
  // What the operator wrote may be part of the line: it must stay one line, and harmless to a terminal.
  const bool is_text = ws::is_utf8({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && !is_text)) c = '?';
  }
  problems_.push_back(std::move(line));
}

void ConfigDraft::notice(log::Level level, std::string text) {
  config.notices.push_back({level, std::move(text)});
}

const Origin* ConfigDraft::origin(std::string_view path) const {
  const auto found = origins_.find(path);
  return found == origins_.end() ? nullptr : &found->second;
}

std::string ConfigDraft::where(std::string_view path) const {
  const Origin* setter = origin(path);
  return setter == nullptr ? std::string{path} : setter->where;
}

bool EntryFields::admit(const std::string& path, Shape shape, const std::string& expected, const Texts& texts,
                        const std::string& where) {
  if (shape == Shape::kScalar && texts.size() != 1) {
    seen_.insert(path);
    draft_.problem(where, texts.empty() ? "no value" : "more than one value", expected);
    return false;
  }
  if (!seen_.insert(path).second) {
    draft_.problem(where, "is given twice");
    return false;
  }
  const std::string sibling = sibling_of(path);
  if (!seen_.contains(sibling)) return true;
  draft_.problem(where, "the key is also given by " + sibling, "only one of the two");
  return false;
}

PeerDraft::PeerDraft(ConfigDraft& draft, std::string origin) : draft_(draft), fields_(draft, {}) {
  fields_.entry.origin = std::move(origin);
}

void PeerDraft::finish() {
  if (!fields_.has("public_key")) {
    return draft_.problem(fields_.entry.origin, "the peer has no public_key", wireguard::kKeyForm);
  }
  draft_.config.wireguard.peers.push_back(std::move(fields_.entry));
}

}  // namespace wgr
