#include "cmd/config_source.h"

#include <algorithm>

#include "cmd/config_check.h"
#include "cmd/config_conf.h"
#include "cmd/config_draft.h"
#include "cmd/config_files.h"
#include "cmd/config_yaml.h"
#include "cmd/state_folder.h"
#include "core/text.h"

namespace wgr {
namespace {

using TextReader = void (*)(std::string_view text, const std::string& name, ConfigDraft& draft);

void add_once(std::vector<std::string>& names, std::string_view name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

// The keys of secrets that are written into the file itself. REQUIRES: no secret was read from a file of
// its own yet.
std::vector<std::string> secrets_in(const std::string& file, Layer layer, const ConfigDraft& draft) {
  const Config& config = draft.config;
  const auto is_set_here = [&](std::string_view path) {
    const Origin* origin = draft.origin(path);
    return origin != nullptr && origin->layer == layer;
  };
  const auto is_here = [&](const std::string& origin) { return origin.starts_with(file + ":"); };
  std::vector<std::string> names;
  for (const Setting& setting : settings()) {
    if (setting.is_secret && is_set_here(setting.path)) names.push_back(setting.path);
  }
  const auto& proxy = config.wireguard.dial_proxy;
  if (is_set_here("wireguard.dial_proxy") && proxy && !proxy->authorization.empty()) {
    names.emplace_back("wireguard.dial_proxy");
  }
  for (const PeerEntry& entry : config.wireguard.peers) {
    if (!is_here(entry.origin)) continue;
    if (entry.peer.preshared_key) add_once(names, "preshared_key");
    const bool may_hold_token = entry.dial && entry.dial->target != ws::wireguard::kDefaultDialTarget;
    if (may_hold_token) add_once(names, "endpoint");
  }
  for (const ListenerEntry& entry : config.ingress.listeners) {
    if (!is_here(entry.listener.origin)) continue;
    if (!entry.tls.passphrase.empty()) add_once(names, "passphrase");
    for (const TokenEntry& token : entry.tokens) {
      if (!token.token.secret.empty()) add_once(names, "secret");
    }
  }
  return names;
}

void read_file(const std::string& path, Layer layer, TextReader read, ConfigDraft& draft) {
  if (path.empty()) return;
  FileText file = read_text_file(path);
  if (!file.text) return draft.problem(path, file.fault);
  // A reload opens the pipe of a shell's <(command) again, whose writer has gone.
  if (file.is_pipe && file.text->empty()) {
    return draft.problem(path, "is a pipe that nobody writes to; a reload needs a file");
  }
  read(*file.text, path, draft);
  erase_memory(file.text->data(), file.text->size());
  if (!file.is_world_readable) return;
  std::string held;
  for (const std::string& name : secrets_in(path, layer, draft)) held += (held.empty() ? "" : ", ") + name;
  if (held.empty()) return;
  draft.notice(log::Level::kWarn, path + " holds secrets (" + held +
                                      ") and everyone may read it; its mode should be 0600, or 0640 "
                                      "with the group of the router's user");
}

void apply_overrides(const std::vector<Override>& overrides, ConfigDraft& draft) {
  for (const Override& flag : overrides) {
    const std::string where = "command line: " + flag.origin;
    if (draft.set_text(flag.path, flag.value, {Layer::kFlags, where})) continue;
    std::vector<std::string_view> names;
    for (const Setting& known : settings()) names.push_back(known.path);
    const std::string_view meant = closest(flag.path, names);
    draft.problem(where, "unknown key" + (meant.empty() ? "" : "; did you mean " + std::string{meant} + "?"));
  }
}

// A file of another kind has as many problems as lines.
std::vector<std::string> first_of(std::vector<std::string> problems) {
  constexpr std::size_t kMost = 20;
  if (problems.size() <= kMost) return problems;
  const std::size_t others = problems.size() - kMost;
  problems.resize(kMost);
  problems.push_back("and " + std::to_string(others) + " more");
  return problems;
}

// The rules that refuse inner IPv6 belong to the addresses, which a reload leaves as they are.
void keep_ipv6(const Config& running, ConfigDraft& draft) {
  bool& ipv6 = draft.config.network.ipv6;
  if (ipv6 == running.network.ipv6) return;
  draft.notice(log::Level::kWarn, "network.ipv6 has changed: it waits for the next start");
  ipv6 = running.network.ipv6;
}

}  // namespace

Config ConfigSource::check() const { return read(nullptr); }

Config ConfigSource::read(const Config* running) const {
  ConfigDraft draft;
  read_file(places_.config_file, Layer::kFile, read_yaml_config, draft);
  read_file(places_.wg_config_file, Layer::kConf, read_conf_config, draft);
  read_env_config(places_.environment, draft);
  apply_overrides(places_.overrides, draft);
  for (const std::string& flag : places_.meaningless_flags) {
    draft.notice(log::Level::kInfo, "given, but without meaning in this router: " + flag);
  }
  read_key_files(places_.environment, draft);
  if (running != nullptr) keep_ipv6(*running, draft);
  derive_values(places_.resolv_conf, draft);
  check_values(draft);
  if (!draft.problems().empty()) throw ConfigError{first_of(draft.problems())};
  return std::move(draft.config);
}

Config ConfigSource::load() const {
  Config config = check();
  if (needs_state_folder(config)) use_state_folder(places_.environment, config);
  return config;
}

Config ConfigSource::reload(const Config& running) const {
  Config config = read(&running);
  if (!needs_state_folder(config)) return config;
  if (!running.first_start) {
    throw ConfigError{
        {"there is no private key and no peer in the configuration now; only a start makes new ones"}};
  }
  // The first client stays what was printed for it.
  config.wireguard.device.private_key = running.wireguard.device.private_key;
  config.wireguard.has_private_key = true;
  config.wireguard.peers = running.wireguard.peers;
  config.first_start = running.first_start;
  return config;
}

}  // namespace wgr
