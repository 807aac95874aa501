#include "cmd/config_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "cmd/config_draft.h"
#include "core/text.h"

namespace wgr {
namespace {

// The keys of one kind of map, as paths: "tcp.mtu" makes "tcp" a section.
using Paths = std::vector<std::string_view>;

// Keys that hold entries, with tables of their own.
constexpr std::string_view kPeers = "wireguard.peers";
constexpr std::string_view kListeners = "listeners";
constexpr std::string_view kTokens = "tokens";
constexpr std::string_view kNetworks = "lan.networks";
constexpr std::string_view kForwards = "forwards";

template <typename Target>
Paths paths_of(const std::vector<BasicSetting<Target>>& table, Paths more = {}) {
  for (const BasicSetting<Target>& setting : table) more.push_back(setting.path);
  return more;
}

const Paths& router_paths() {
  static const Paths paths = paths_of(settings(), {kPeers, kListeners, kNetworks, kForwards});
  return paths;
}

const Paths& peer_paths() {
  static const Paths paths = paths_of(peer_settings());
  return paths;
}

const Paths& listener_paths() {
  static const Paths paths = paths_of(listener_settings(), {kTokens});
  return paths;
}

const Paths& token_paths() {
  static const Paths paths = paths_of(token_settings());
  return paths;
}

const Paths& network_paths() {
  static const Paths paths = paths_of(lan_settings());
  return paths;
}

const Paths& forward_paths() {
  static const Paths paths = paths_of(forward_settings());
  return paths;
}

bool is_key(const Paths& paths, std::string_view path) {
  for (const std::string_view known : paths) {
    if (known == path) return true;
  }
  return false;
}

bool is_section(const Paths& paths, std::string_view path) {
  for (const std::string_view known : paths) {
    if (known.size() > path.size() && known.starts_with(path) && known[path.size()] == '.') return true;
  }
  return false;
}

// What may stand in the section `prefix` ("" or "tcp."), without the prefix.
Paths names_in(const Paths& paths, std::string_view prefix) {
  Paths names;
  for (std::string_view known : paths) {
    if (!known.starts_with(prefix)) continue;
    known.remove_prefix(prefix.size());
    names.push_back(known.substr(0, known.find('.')));
  }
  return names;
}

// Sees where documents begin and nothing else.
class DocumentMarks : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { last = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}

  YAML::Mark last;
};

// YAML::LoadAll would not end on a text whose first token belongs to no document, such as ",".
std::optional<YAML::Mark> find_second_document(const std::string& text) {
  std::istringstream stream{text};
  YAML::Parser parser{stream};
  DocumentMarks marks;
  if (!parser.HandleNextDocument(marks) || !parser.HandleNextDocument(marks)) return std::nullopt;
  return marks.last;
}

class Reader {
 public:
  Reader(const std::string& file, ConfigDraft& draft) : file_(file), draft_(draft) {}

  void read(const YAML::Node& document) {
    if (document.IsNull()) return;
    read_map(document, "", router_paths(),
             [this](const std::string& path, const std::string& at, const YAML::Node& value) {
               if (path == kPeers) return read_peers(value);
               if (path == kListeners) return read_listeners(value);
               if (path == kNetworks) return read_networks(value);
               if (path == kForwards) return read_forwards(value);
               const Setting& setting = *find_setting(path);
               if (const auto texts = texts_of(value, setting, path, at)) {
                 draft_.set(setting, *texts, {Layer::kFile, at});
               }
             });
  }

  void problem(const YAML::Mark& mark, std::string_view sentence) {
    draft_.problem(file_ + ":" + std::to_string(mark.line + 1), sentence);
  }

 private:
  using Leaf =
      std::function<void(const std::string& path, const std::string& where, const YAML::Node& value)>;

  std::string where(const YAML::Node& node, std::string_view path) const {
    return file_ + ":" + std::to_string(node.Mark().line + 1) + ": " + std::string{path};
  }

  // The recursion ends with the schema: no path is deeper than two names.
  void read_map(const YAML::Node& map, const std::string& prefix, const Paths& paths, const Leaf& leaf) {
    const std::string_view name = std::string_view{prefix}.substr(0, prefix.empty() ? 0 : prefix.size() - 1);
    if (!map.IsMap()) {
      return draft_.problem(where(map, name.empty() ? "the file" : name), "is not a map",
                            "lines of key: value");
    }
    std::set<std::string> seen;
    for (const auto& item : map) {
      if (!item.first.IsScalar()) {
        problem(item.first.Mark(), "a key is not a plain word");
        continue;
      }
      const std::string path = prefix + item.first.Scalar();
      if (!seen.insert(path).second) {
        draft_.problem(where(item.first, shown(path)), "is given twice");
      } else if (is_key(paths, path)) {
        leaf(path, where(item.first, path), item.second);
      } else if (is_section(paths, path)) {
        if (!item.second.IsNull()) read_map(item.second, path + ".", paths, leaf);
      } else {
        unknown(item.first, prefix, paths);
      }
    }
  }

  void unknown(const YAML::Node& key, const std::string& prefix, const Paths& paths) {
    const std::string_view meant = closest(key.Scalar(), names_in(paths, prefix));
    std::string sentence = "unknown key";
    if (!meant.empty()) sentence += "; did you mean " + prefix + std::string{meant} + "?";
    draft_.problem(where(key, shown(prefix + key.Scalar())), sentence);
  }

  // A key comes from the file: it may hold anything.
  static std::string shown(const std::string& path) {
    const std::string quoted = quote(path);
    return quoted.substr(1, quoted.size() - 2);
  }

  template <typename Target>
  std::optional<Texts> texts_of(const YAML::Node& value, const BasicSetting<Target>& setting,
                                const std::string& path, const std::string& at) {
    if (value.IsScalar()) {
      if (setting.shape != Shape::kScalar) return split_list(value.Scalar());
      return Texts{value.Scalar()};
    }
    if (value.IsNull() && setting.shape != Shape::kScalar) return Texts{};
    if (value.IsMap() && setting.shape == Shape::kMap) return pairs_of(value, setting, path);
    if (!value.IsSequence() || setting.shape != Shape::kList) {
      const std::string_view kind = setting.shape == Shape::kMap ? "is not a map" : "is not a single value";
      draft_.problem(at, value.IsNull() ? "no value" : kind, setting.expected);
      return std::nullopt;
    }
    return items_of(value, setting, path);
  }

  template <typename Target>
  bool is_good_item(const BasicSetting<Target>& setting, const std::string& text, const std::string& at) {
    Target scratch;
    const std::optional<std::string> fault = setting.set(scratch, {text});
    if (fault) draft_.problem(at, *fault, setting.expected);
    return !fault;
  }

  // "key: value" becomes "key=value"; each is tried alone, as items are.
  template <typename Target>
  std::optional<Texts> pairs_of(const YAML::Node& map, const BasicSetting<Target>& setting,
                                const std::string& path) {
    Texts texts;
    bool is_good = true;
    for (const auto& item : map) {
      const std::string at = where(item.first, path);
      if (!item.first.IsScalar() || !item.second.IsScalar()) {
        draft_.problem(at, "an item is not KEY: VALUE", setting.expected);
        is_good = false;
        continue;
      }
      texts.push_back(item.first.Scalar() + "=" + item.second.Scalar());
      is_good = is_good_item(setting, texts.back(), at) && is_good;
    }
    if (!is_good) return std::nullopt;
    return texts;
  }

  // Each item is tried alone first, so that every bad one is named with its own line.
  template <typename Target>
  std::optional<Texts> items_of(const YAML::Node& list, const BasicSetting<Target>& setting,
                                const std::string& path) {
    Texts texts;
    bool is_good = true;
    for (const YAML::Node& item : list) {
      if (!item.IsScalar()) {
        draft_.problem(where(item, path), "an item is not a single value", setting.expected);
        is_good = false;
        continue;
      }
      is_good = is_good_item(setting, item.Scalar(), where(item, path)) && is_good;
      texts.push_back(item.Scalar());
    }
    if (!is_good) return std::nullopt;
    return texts;
  }

  // False, and told, when it is not a list.
  bool is_list(const YAML::Node& list, std::string_view path, std::string_view expected) {
    if (list.IsSequence() || list.IsNull()) return list.IsSequence();
    draft_.problem(where(list, path), "is not a list", expected);
    return false;
  }

  std::string line_of(const YAML::Node& node) const {
    return file_ + ":" + std::to_string(node.Mark().line + 1);
  }

  // Sets the fields of one entry; `draft` is an EntryDraft or a PeerDraft.
  template <typename Target, typename Draft>
  void read_field(const std::vector<BasicSetting<Target>>& table, const std::string& path,
                  const std::string& at, const YAML::Node& value, Draft& draft) {
    const BasicSetting<Target>& setting = *find_in(table, path);
    if (const auto texts = texts_of(value, setting, path, at)) {
      draft.set(setting, *texts, at);
    } else {
      draft.skip(setting);
    }
  }

  void read_peers(const YAML::Node& list) {
    if (!is_list(list, kPeers, "one item per peer: - public_key: ...")) return;
    for (const YAML::Node& item : list) {
      PeerDraft peer{draft_, line_of(item)};
      read_map(item, "", peer_paths(),
               [&](const std::string& path, const std::string& at, const YAML::Node& value) {
                 read_field(peer_settings(), path, at, value, peer);
               });
      if (item.IsMap()) peer.finish();
    }
  }

  void read_listeners(const YAML::Node& list) {
    if (!is_list(list, kListeners, "one item per listener: - port: ...")) return;
    for (const YAML::Node& item : list) {
      EntryDraft<ListenerEntry> listener{draft_, {}};
      listener.entry.listener.origin = line_of(item);
      read_map(item, "", listener_paths(),
               [&](const std::string& path, const std::string& at, const YAML::Node& value) {
                 if (path == kTokens) return read_tokens(value, listener.entry);
                 read_field(listener_settings(), path, at, value, listener);
               });
      if (item.IsMap() && !listener.has("port")) {
        draft_.problem(line_of(item), "the listener has no port", "port: 8086");
      }
      draft_.config.ingress.listeners.push_back(std::move(listener.entry));
    }
  }

  void read_tokens(const YAML::Node& list, ListenerEntry& listener) {
    if (!is_list(list, kTokens, "one item per token: - {name: ..., secret_file: ...}")) return;
    for (const YAML::Node& item : list) {
      EntryDraft<TokenEntry> token{draft_, {}};
      read_map(item, "", token_paths(),
               [&](const std::string& path, const std::string& at, const YAML::Node& value) {
                 read_field(token_settings(), path, at, value, token);
               });
      if (item.IsMap() && !token.has("name")) draft_.problem(line_of(item), "the token has no name");
      if (item.IsMap() && !token.has("secret") && !token.has("secret_file")) {
        draft_.problem(line_of(item), "the token has no secret", "secret_file: PATH, or secret");
      }
      listener.tokens.push_back(std::move(token.entry));
    }
  }

  void read_networks(const YAML::Node& map) {
    if (map.IsNull()) return;
    if (!map.IsMap()) return draft_.problem(where(map, kNetworks), "is not a map", "NAME: {subnet: ...}");
    std::set<std::string> seen;
    for (const auto& item : map) {
      const std::string name = item.first.IsScalar() ? item.first.Scalar() : "";
      const std::string path = std::string{kNetworks} + "." + name;
      if (!is_network_name(name)) {
        draft_.problem(where(item.first, kNetworks), "a network has no proper name",
                       "1 to 31 lower-case letters, digits and '-'");
      } else if (!seen.insert(name).second) {
        draft_.problem(where(item.first, path), "is given twice");
      } else {
        draft_.network(name, line_of(item.first));
        if (!item.second.IsNull()) read_network(item.second, name);
      }
    }
  }

  void read_network(const YAML::Node& map, const std::string& name) {
    const std::string prefix = std::string{kNetworks} + "." + name;
    if (!map.IsMap()) return draft_.problem(where(map, prefix), "is not a map", "lines of key: value");
    read_map(map, "", network_paths(),
             [&](const std::string& path, const std::string&, const YAML::Node& value) {
               const LanSetting& setting = *find_in(lan_settings(), path);
               const std::string full = prefix + "." + path;
               const std::string at = where(value, full);
               if (const auto texts = texts_of(value, setting, full, at)) {
                 draft_.set(NetworkPath{name, &setting}, *texts, {Layer::kFile, at});
               }
             });
  }

  void read_forwards(const YAML::Node& list) {
    if (!is_list(list, kForwards, "one item per forward: - {listen: 8080, to: \"NAME:80\"}")) return;
    for (const YAML::Node& item : list) {
      EntryDraft<ForwardEntry> forward{draft_, {}};
      forward.entry.origin = line_of(item);
      read_map(item, "", forward_paths(),
               [&](const std::string& path, const std::string& at, const YAML::Node& value) {
                 read_field(forward_settings(), path, at, value, forward);
               });
      for (const std::string_view required : {"listen", "to"}) {
        if (!item.IsMap() || forward.has(required)) continue;
        draft_.problem(line_of(item), "the forward has no " + std::string{required},
                       find_in(forward_settings(), required)->expected);
      }
      draft_.config.forwards.push_back(std::move(forward.entry));
    }
  }

  const std::string& file_;
  ConfigDraft& draft_;
};

}  // namespace

void read_yaml_config(std::string_view text, const std::string& name, ConfigDraft& draft) {
  Reader reader{name, draft};
  try {
    const std::string copy{text};
    if (const auto second = find_second_document(copy)) {
      reader.problem(*second, "text after the first document; expected one document");
    }
    reader.read(YAML::Load(copy));
  } catch (const YAML::Exception& e) {
    reader.problem(e.mark, "not YAML: " + e.msg);
  }
}

}  // namespace wgr
