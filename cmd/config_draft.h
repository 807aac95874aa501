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
  // A source that names peers replaces those of the sources below it.
  void replace_peers(std::string_view by);

  // "where: sentence; expected form".
  void problem(std::string_view where, std::string_view sentence, std::string_view expected = {});
  void notice(log::Level level, std::string text);

  // Who set `path`; nullptr: it has its default.
  const Origin* origin(std::string_view path) const;
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  bool conflicts(const std::string& path, const Origin& origin);

  std::map<std::string, Origin, std::less<>> origins_;
  std::vector<std::string> problems_;
};

// One entry of wireguard.peers under construction.
class PeerDraft {
 public:
  // `origin` names the entry in messages: "wgrouter.yaml:12", "WG_PEER_0".
  PeerDraft(ConfigDraft& draft, std::string origin);

  // `where` is the beginning of messages about this field.
  void set(const PeerSetting& setting, const Texts& texts, const std::string& where);
  // The field is there, but its problem has been told already.
  void skip(const PeerSetting& setting) { seen_.insert(setting.path); }
  // Appends the peer to the configuration. A peer without public key is a problem.
  void finish();

 private:
  ConfigDraft& draft_;
  PeerEntry entry_;
  std::set<std::string, std::less<>> seen_;
};

}  // namespace wgr
