#include "cmd/config_source.h"

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

void read_file(const std::string& path, TextReader read, ConfigDraft& draft) {
  if (path.empty()) return;
  FileText file = read_text_file(path);
  if (!file.text) return draft.problem(path, file.fault);
  const bool had_key = draft.origin("wireguard.private_key") != nullptr;
  read(*file.text, path, draft);
  erase_memory(file.text->data(), file.text->size());
  const bool has_key = draft.origin("wireguard.private_key") != nullptr;
  if (has_key && !had_key && file.is_world_readable) {
    draft.notice(log::Level::kWarn, path + " holds the private key and everyone may read it; chmod 600 it");
  }
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

}  // namespace

Config ConfigSource::check() const {
  ConfigDraft draft;
  read_file(places_.config_file, read_yaml_config, draft);
  read_file(places_.wg_config_file, read_conf_config, draft);
  read_env_config(places_.environment, draft);
  apply_overrides(places_.overrides, draft);
  for (const std::string& flag : places_.meaningless_flags) {
    draft.notice(log::Level::kInfo, "given, but without meaning in this router: " + flag);
  }
  read_key_files(places_.environment, draft);
  derive_values(places_.resolv_conf, draft);
  check_values(draft);
  if (!draft.problems().empty()) throw ConfigError{draft.problems()};
  return std::move(draft.config);
}

Config ConfigSource::load() const {
  Config config = check();
  if (needs_state_folder(config)) use_state_folder(places_.environment, config);
  return config;
}

}  // namespace wgr
