#include "cmd/config_draft.h"

#include <utility>

#include "wireguard/key_text.h"

namespace wgr {
namespace {

// "private_key" <-> "private_key_file"; empty when the key has no such sibling.
std::string_view sibling_of(std::string_view path) {
  if (path == "wireguard.private_key") return "wireguard.private_key_file";
  if (path == "wireguard.private_key_file") return "wireguard.private_key";
  if (path == "preshared_key") return "preshared_key_file";
  if (path == "preshared_key_file") return "preshared_key";
  return {};
}

void unset_private_key(Config& config, std::string_view path) {
  if (path == "wireguard.private_key") {
    config.wireguard.device.private_key.erase();
    config.wireguard.has_private_key = false;
  } else if (path == "wireguard.private_key_file") {
    config.wireguard.private_key_file.clear();
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

bool ConfigDraft::conflicts(const std::string& path, const Origin& origin) {
  const std::string_view sibling = sibling_of(path);
  const auto other = origins_.find(sibling);
  if (sibling.empty() || other == origins_.end()) return false;
  if (other->second.layer == origin.layer) {
    problem(origin.where, "the key is also given by " + other->second.where, "only one of the two");
    return true;
  }
  unset_private_key(config, sibling);
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
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
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

PeerDraft::PeerDraft(ConfigDraft& draft, std::string origin) : draft_(draft) {
  entry_.origin = std::move(origin);
}

void PeerDraft::set(const PeerSetting& setting, const Texts& texts, const std::string& where) {
  if (setting.shape == Shape::kScalar && texts.size() != 1) {
    seen_.insert(setting.path);
    return draft_.problem(where, texts.empty() ? "no value" : "more than one value", setting.expected);
  }
  if (!seen_.insert(setting.path).second) return draft_.problem(where, "is given twice for this peer");
  if (seen_.contains(sibling_of(setting.path))) {
    return draft_.problem(where, "the key is also given by " + std::string{sibling_of(setting.path)},
                          "only one of the two");
  }
  if (const std::optional<std::string> fault = setting.set(entry_, texts)) {
    draft_.problem(where, *fault, setting.expected);
  }
}

void PeerDraft::finish() {
  if (!seen_.contains("public_key")) {
    return draft_.problem(entry_.origin, "the peer has no public_key", wireguard::kKeyForm);
  }
  draft_.config.wireguard.peers.push_back(std::move(entry_));
}

}  // namespace wgr
