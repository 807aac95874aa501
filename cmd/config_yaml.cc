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

constexpr std::string_view kPeers = "wireguard.peers";

const Paths& router_paths() {
  static const Paths paths = [] {
    Paths all{kPeers};
    for (const Setting& setting : settings()) all.push_back(setting.path);
    return all;
  }();
  return paths;
}

const Paths& peer_paths() {
  static const Paths paths = [] {
    Paths all;
    for (const PeerSetting& setting : peer_settings()) all.push_back(setting.path);
    return all;
  }();
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
      if (setting.shape == Shape::kList) return split_list(value.Scalar());
      return Texts{value.Scalar()};
    }
    if (value.IsNull() && setting.shape == Shape::kList) return Texts{};
    if (!value.IsSequence() || setting.shape != Shape::kList) {
      draft_.problem(at, value.IsNull() ? "no value" : "is not a single value", setting.expected);
      return std::nullopt;
    }
    return items_of(value, setting, path);
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
      Target scratch;
      if (const std::optional<std::string> fault = setting.set(scratch, {item.Scalar()})) {
        draft_.problem(where(item, path), *fault, setting.expected);
        is_good = false;
      }
      texts.push_back(item.Scalar());
    }
    if (!is_good) return std::nullopt;
    return texts;
  }

  void read_peers(const YAML::Node& list) {
    if (list.IsNull()) return;
    if (!list.IsSequence()) {
      return draft_.problem(where(list, kPeers), "is not a list", "one item per peer: - public_key: ...");
    }
    for (const YAML::Node& item : list) {
      PeerDraft peer{draft_, file_ + ":" + std::to_string(item.Mark().line + 1)};
      read_map(item, "", peer_paths(),
               [&](const std::string& path, const std::string& at, const YAML::Node& value) {
                 const PeerSetting& setting = *find_peer_setting(path);
                 if (const auto texts = texts_of(value, setting, path, at)) {
                   peer.set(setting, *texts, at);
                 } else {
                   peer.skip(setting);
                 }
               });
      if (item.IsMap()) peer.finish();
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
