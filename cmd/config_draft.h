// A Config under construction: what the sources have set so far, who set it, and every problem met.
//
// Sources come in rising order (Layer); a later one overrides key by key, except the list of peers, which
// a source replaces as a whole.
//
// Thread: confined to its owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cmd/config.h"
#include "cmd/config_setting.h"

namespace wgr {

enum class Layer : std::uint8_t { kFile, kConf, kEnvironment, kFlags };

// Who set a value, as the beginning of a message: "wgrouter.yaml:12: tcp.mtu", "environment: WG_MTU".
struct Origin {
  Layer layer = Layer::kFile;
  std::string where;
};

class ConfigDraft {
 public:
  Config config;

  // Sets the key, or notes why not. A secret and its *_FILE sibling exclude each other within a layer;
  // across layers the later one wins.
  void set(const Setting& setting, const Texts& texts, const Origin& origin);
  // The key of one virtual LAN, which is made if need be.
  void set(const NetworkPath& path, const Texts& texts, const Origin& origin);
  // The key of that path as one text, lists separated by commas. False: there is no such key.
  bool set_text(std::string_view path, std::string_view value, const Origin& origin);
  // The network of that name, made if need be. REQUIRES: is_network_name(name).
  LanEntry& network(std::string_view name, const std::string& origin);
  // A source that names peers replaces those of the sources below it.
  void replace_peers(std::string_view by);

  // "where: sentence; expected form".
  void problem(std::string_view where, std::string_view sentence, std::string_view expected = {});
  void notice(log::Level level, std::string text);

  // Who set `path`; nullptr: it has its default.
  const Origin* origin(std::string_view path) const;
  // The beginning of a message about `path`: who set it, or the path itself.
  std::string where(std::string_view path) const;
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  bool conflicts(const std::string& path, const Origin& origin);

  std::map<std::string, Origin, std::less<>> origins_;
  std::vector<std::string> problems_;
};

// Which fields of an entry have been given, and what is wrong with one more.
class EntryFields {
 public:
  explicit EntryFields(ConfigDraft& draft) : draft_(draft) {}

  // False when the field cannot be set; the problem is told. `where` is the beginning of its message.
  bool admit(const std::string& path, Shape shape, const std::string& expected, const Texts& texts,
             const std::string& where);
  // The field is there, but its problem has been told already.
  void skip(const std::string& path) { seen_.insert(path); }
  bool has(std::string_view path) const { return seen_.contains(path); }

 private:
  ConfigDraft& draft_;
  std::set<std::string, std::less<>> seen_;
};

// One entry of a list under construction: of listeners, tokens, forwards or peers.
template <typename Target>
class EntryDraft {
 public:
  EntryDraft(ConfigDraft& draft, Target initial) : entry(std::move(initial)), draft_(draft), fields_(draft) {}

  Target entry;

  void set(const BasicSetting<Target>& setting, const Texts& texts, const std::string& where) {
    if (!fields_.admit(setting.path, setting.shape, setting.expected, texts, where)) return;
    if (const std::optional<std::string> fault = setting.set(entry, texts)) {
      draft_.problem(where, *fault, setting.expected);
    }
  }
  void skip(const BasicSetting<Target>& setting) { fields_.skip(setting.path); }
  // A field was given, rightly or not.
  bool has(std::string_view path) const { return fields_.has(path); }

 private:
  ConfigDraft& draft_;
  EntryFields fields_;
};

// One entry of wireguard.peers under construction.
class PeerDraft {
 public:
  // `origin` names the entry in messages: "wgrouter.yaml:12", "WG_PEER_0".
  PeerDraft(ConfigDraft& draft, std::string origin);

  // `where` is the beginning of messages about this field.
  void set(const PeerSetting& setting, const Texts& texts, const std::string& where) {
    fields_.set(setting, texts, where);
  }
  // The field is there, but its problem has been told already.
  void skip(const PeerSetting& setting) { fields_.skip(setting); }
  // Appends the peer to the configuration. A peer without public key is a problem.
  void finish();

 private:
  ConfigDraft& draft_;
  EntryDraft<PeerEntry> fields_;
};

}  // namespace wgr
