#include "cmd/config_env.h"

#include <unistd.h>

#include <optional>
#include <set>
#include <variant>

#include "cmd/config_draft.h"
#include "cmd/config_env_table.h"
#include "cmd/config_forward.h"
#include "cmd/config_peers.h"
#include "cmd/config_value.h"
#include "core/text.h"

namespace wgr {
namespace {

constexpr std::string_view kOwnPrefix = "WGROUTER_";
constexpr std::string_view kPeerPrefix = "WG_PEER_";

// The variables of one peer, longest first: an index may itself hold underscores.
struct PeerVariable {
  std::string_view suffix;
  std::string_view field;
};
constexpr PeerVariable kPeerVariables[] = {
    {"_PERSISTENT_KEEPALIVE", "persistent_keepalive"},
    {"_PRESHARED_KEY_FILE", "preshared_key_file"},
    {"_PRESHARED_KEY", "preshared_key"},
    {"_EGRESS_ALLOW", "egress.allow"},
    {"_EGRESS_DENY", "egress.deny"},
    {"_PUBLIC_KEY", "public_key"},
    {"_ALLOWED_IPS", "allowed_ips"},
    {"_KEEPALIVE", "persistent_keepalive"},
    {"_ENDPOINT", "endpoint"},
    {"_ENABLED", "enabled"},
    {"_NAME", "name"},
};

// "..._PORT_8086_TCP", "..._PORT_8086_TCP_ADDR".
bool is_port_link(std::string_view name) {
  constexpr std::string_view kPort = "_PORT_";
  const std::size_t at = name.find(kPort);
  if (at == std::string_view::npos) return false;
  name.remove_prefix(at + kPort.size());
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return false;
  name.remove_prefix(digits);
  return name.starts_with("_TCP") || name.starts_with("_UDP") || name.starts_with("_SCTP");
}

// What the container's orchestrator sets for each service beside it: for one called wgrouter or
// wgrouter-ws, names that look like ours.
bool is_service_link(std::string_view name, std::string_view value) {
  const std::string_view scheme = value.substr(0, value.find("://"));
  const bool is_url =
      scheme.size() < value.size() && (scheme == "tcp" || scheme == "udp" || scheme == "sctp");
  return name == "WGROUTER_PORT" || (name.ends_with("_PORT") && is_url) || name.ends_with("_SERVICE_HOST") ||
         name.find("_SERVICE_PORT") != std::string_view::npos || is_port_link(name);
}

// Read by the command line, before there is a configuration.
bool is_place(std::string_view name) { return name == "WGROUTER_CONFIG" || name == "WGROUTER_WG_CONFIG"; }

class Reader {
 public:
  Reader(const Environment& environment, ConfigDraft& draft) : environment_(environment), draft_(draft) {}

  void read() {
    for (const auto& [name, value] : environment_) {
      if (is_service_link(name, value) || is_place(name)) continue;
      if (trim(value).empty()) {
        refuse_empty_secret(name);
        continue;
      }
      if (name.starts_with(kOwnPrefix)) {
        read_own(name, value);
      } else if (const Variable* variable = find_variable(name)) {
        read_variable(*variable, name, value);
      } else if (name.starts_with("WG_")) {
        suspect(name);
      }
    }
    read_debug();
    read_metrics();
    read_probe();
    read_tapws();
    read_peers();
    tell_ignored();
  }

 private:
  const std::string* value_of(std::string_view name) const {
    const auto found = environment_.find(name);
    return found == environment_.end() || trim(found->second).empty() ? nullptr : &found->second;
  }

  static Origin origin(std::string_view name) {
    return {Layer::kEnvironment, "environment: " + std::string{name}};
  }

  void set(std::string_view path, std::string_view name, std::string_view value) {
    draft_.set_text(path, value, origin(name));
  }

  // An empty variable is as good as none. Not so a token's: who set it wants one.
  void refuse_empty_secret(std::string_view name) {
    for (const Setting& setting : settings()) {
      if (!setting.unset || variable_name(setting.path) != name) continue;
      draft_.problem(origin(name).where, "is empty: leave the variable out where there is none",
                     setting.expected);
    }
  }

  void read_own(const std::string& name, const std::string& value) {
    std::vector<std::string> names;
    for (const Setting& setting : settings()) {
      if (variable_name(setting.path) == name) return set_once(setting.path, name, value);
      names.push_back(variable_name(setting.path));
    }
    if (name == variable_name(kForwardsPath)) return set_once(kForwardsPath, name, value);
    if (const auto path = find_network_variable(name)) {
      return set_once("lan.networks." + path->network + "." + path->setting->path, name, value);
    }
    const std::string_view meant = closest(name, {names.begin(), names.end()});
    draft_.problem(origin(name).where,
                   "unknown variable" + (meant.empty() ? "" : "; did you mean " + std::string{meant} + "?"));
  }

  // WGROUTER_LOG_LEVEL beside LOG_LEVEL: which one is meant?
  void set_once(std::string_view path, std::string_view name, std::string_view value) {
    const Origin* other = draft_.origin(path);
    if (other != nullptr && other->layer == Layer::kEnvironment) {
      return draft_.problem(origin(name).where, "the same key is also set by " + other->where,
                            "only one of the two");
    }
    set(path, name, value);
  }

  void read_variable(const Variable& variable, const std::string& name, std::string_view value) {
    switch (variable.kind) {
      case VariableKind::kSame:
        return set_once(variable.path, name, value);
      case VariableKind::kMicroseconds:
        return set_number(variable, value, "us", "microseconds");
      case VariableKind::kMilliseconds:
        return set_number(variable, value, "ms", "milliseconds");
      case VariableKind::kSeconds:
        return set_number(variable, value, "s", "seconds");
      case VariableKind::kFalsehood:
        return set_opposite(variable, value);
      case VariableKind::kNoMeaning:
        meaningless_.push_back(name);
        return;
      case VariableKind::kSpecial:
        return;
    }
  }

  void set_number(const Variable& variable, std::string_view value, std::string_view unit,
                  std::string_view units) {
    if (!parse_number(trim(value))) {
      return draft_.problem(origin(variable.name).where, quote(trim(value)) + " is not one",
                            "a whole number of " + std::string{units});
    }
    set_once(variable.path, variable.name, std::string{trim(value)} + std::string{unit});
  }

  void set_opposite(const Variable& variable, std::string_view value) {
    const std::optional<bool> truth = read_bool(variable.name, value);
    if (truth) set_once(variable.path, variable.name, *truth ? "false" : "true");
  }

  std::optional<bool> read_bool(std::string_view name, std::string_view value) {
    const std::optional<bool> truth = parse_bool(value);
    if (!truth) {
      draft_.problem(origin(name).where, quote(trim(value)) + " is not one",
                     "1, true, yes or on; 0, false, no or off");
    }
    return truth;
  }

  // DEBUG and WG_DEBUG ask for the debug level, unless LOG_LEVEL says which.
  void read_debug() {
    bool is_wanted = false;
    if (const std::string* value = value_of("WG_DEBUG")) {
      is_wanted = read_bool("WG_DEBUG", *value).value_or(false);
    }
    // DEBUG is everybody's name: in a shared environment it may hold "express:*".
    if (const std::string* value = value_of("DEBUG")) {
      const std::optional<bool> truth = parse_bool(*value);
      is_wanted = is_wanted || truth.value_or(false);
      if (!truth) {
        draft_.notice(log::Level::kWarn,
                      "DEBUG is " + quote(trim(*value)) + ", neither yes nor no: it is not used");
      }
    }
    const Origin* level = draft_.origin("log.level");
    const bool is_chosen = level != nullptr && level->layer == Layer::kEnvironment;
    if (is_wanted && !is_chosen) set("log.level", "DEBUG", "debug");
  }

  // Any value turns the report on, except the words for no; an interval alone turns it on too.
  void read_metrics() {
    const std::string* log = value_of("METRICS_LOG");
    const std::string* interval = value_of("METRICS_INTERVAL");
    if (interval != nullptr) set_once("metrics.interval", "METRICS_INTERVAL", *interval);
    if (log == nullptr && interval == nullptr) return;
    const bool is_off = log != nullptr && parse_bool(*log) == false;
    set_once("metrics.report", log != nullptr ? "METRICS_LOG" : "METRICS_INTERVAL",
             is_off ? "false" : "true");
  }

  // Like METRICS_LOG: any value turns the probe on, except the words for no.
  void read_probe() {
    const std::string* value = value_of("HEALTHCHECK");
    if (value != nullptr) {
      set_once("health.probe", "HEALTHCHECK", parse_bool(*value) == false ? "false" : "true");
    }
  }

  // tapws has one port, plain or with TLS. HOST and PORT are names that others use too: a key that has a
  // variable of its own is not touched, and a HOST that is a host's name (as csh and conda export it) is
  // none of ours.
  void read_tapws() {
    const std::string* with_ssl = value_of("WITH_SSL");
    const bool is_tls = with_ssl != nullptr && read_bool("WITH_SSL", *with_ssl).value_or(false);
    read_host();
    if (is_tls) set_unless_own("ws.port", "WITH_SSL", "0");
    if (const std::string* port = value_of("PORT")) {
      set_unless_own(is_tls ? "ws.tls_port" : "ws.port", "PORT", *port);
    }
    read_certificate(is_tls);
    if (is_tls && draft_.config.ingress.simple.tls.certificate.empty()) {
      draft_.problem(origin("WITH_SSL").where, "there is no certificate", "SSL_CERT, or ws.certificate");
    }
  }

  void read_host() {
    const std::string* value = value_of("HOST");
    if (value == nullptr) return;
    const std::string host{trim(*value)};
    if (host == "localhost") return set_unless_own("ws.addresses", "HOST", "127.0.0.1");
    if (IpAddress::parse(host)) return set_unless_own("ws.addresses", "HOST", host);
    draft_.notice(log::Level::kInfo,
                  "HOST is " + quote(host) + ", no IP address: not used as the address to listen on");
  }

  void read_certificate(bool is_tls) {
    constexpr std::pair<std::string_view, std::string_view> kFiles[] = {
        {"SSL_CERT", "ws.certificate"},
        {"SSL_KEY", "ws.private_key"},
        {"SSL_PASSPHRASE", "ws.passphrase"},
        {"SSL_PASSPHRASE_FILE", "ws.passphrase_file"},
    };
    for (const auto& [name, path] : kFiles) {
      const std::string* value = value_of(name);
      if (value == nullptr) continue;
      if (is_tls) {
        set_unless_own(path, name, *value);
      } else {
        draft_.notice(log::Level::kInfo, std::string{name} + " is not used: WITH_SSL is not true");
      }
    }
  }

  // For names that are not ours alone: WGROUTER_... wins without complaint.
  void set_unless_own(std::string_view path, std::string_view name, std::string_view value) {
    const Origin* other = draft_.origin(path);
    if (other == nullptr || other->layer != Layer::kEnvironment) return set(path, name, value);
    draft_.notice(log::Level::kInfo, std::string{name} + " is not used: " + other->where + " is set");
  }

  void read_peers() {
    const std::map<std::string, PeerVariables> by_index = group_peers();
    const std::string* list = value_of("WG_PEERS");
    if (list == nullptr && by_index.empty()) return;
    draft_.replace_peers(list != nullptr ? "WG_PEERS" : "WG_PEER_*");
    if (list == nullptr) {
      for (const auto& [index, fields] : by_index) read_peer(index, fields);
      return;
    }
    const auto peers = read_peers_variable(*list, draft_);
    const PeerIndices* indices = std::get_if<PeerIndices>(&peers);
    std::set<std::string> listed;
    if (indices != nullptr) {
      for (const std::string& index : *indices) {
        const auto found = by_index.find(index);
        if (found == by_index.end()) tell_missing(index, by_index);
        if (found != by_index.end()) read_peer(index, found->second);
        listed.insert(index);
      }
    }
    for (const auto& [index, fields] : by_index) {
      if (listed.contains(index)) continue;
      draft_.notice(log::Level::kWarn,
                    "WG_PEERS does not list " + quote(index) + ": WG_PEER_" + index + "_* is not used");
    }
  }

  using PeerVariables = std::vector<std::pair<const PeerVariable*, std::string_view>>;

  std::map<std::string, PeerVariables> group_peers() {
    std::map<std::string, PeerVariables> by_index;
    for (const auto& [name, value] : environment_) {
      if (!name.starts_with(kPeerPrefix) || trim(value).empty() || is_service_link(name, value)) continue;
      const std::string_view rest = std::string_view{name}.substr(kPeerPrefix.size());
      const PeerVariable* known = nullptr;
      for (const PeerVariable& variable : kPeerVariables) {
        if (known == nullptr && rest.size() > variable.suffix.size() && rest.ends_with(variable.suffix)) {
          known = &variable;
        }
      }
      if (known != nullptr) {
        by_index[std::string{rest.substr(0, rest.size() - known->suffix.size())}].emplace_back(known, value);
      } else {
        draft_.problem(
            origin(name).where, "unknown variable",
            "WG_PEER_<index>_PUBLIC_KEY, _PRESHARED_KEY[_FILE], _ALLOWED_IPS, _ENDPOINT, _KEEPALIVE, "
            "_NAME, _ENABLED, _EGRESS_ALLOW or _EGRESS_DENY");
      }
    }
    return by_index;
  }

  void tell_missing(const std::string& index, const std::map<std::string, PeerVariables>& by_index) {
    std::string sentence = "it lists " + quote(index) + ", but WG_PEER_" + index + "_PUBLIC_KEY is not set";
    if (!by_index.empty()) {
      sentence +=
          " (set: WG_PEER_" + by_index.begin()->first + "_*; the list holds indices, not their number)";
    }
    draft_.problem(origin("WG_PEERS").where, sentence, "one WG_PEER_<index>_PUBLIC_KEY per listed index");
  }

  void read_peer(const std::string& index, const PeerVariables& fields) {
    PeerDraft peer{draft_, std::string{kPeerPrefix} + index};
    for (const auto& [variable, value] : fields) {
      const PeerSetting& setting = *find_peer_setting(variable->field);
      const bool is_list = setting.shape == Shape::kList;
      peer.set(setting, is_list ? split_list(value) : Texts{std::string{trim(value)}},
               origin(std::string{kPeerPrefix} + index + std::string{variable->suffix}).where);
    }
    peer.finish();
  }

  // A variable of ours that is nearly spelled right. Others with WG_ belong to other programs.
  void suspect(const std::string& name) {
    if (name.starts_with(kPeerPrefix)) return;  // group_peers() judges these
    std::vector<std::string_view> names;
    for (const Variable& variable : variables()) names.push_back(variable.name);
    const std::string_view meant = closest(name, names);
    if (meant.empty()) return;
    draft_.notice(log::Level::kWarn,
                  "unknown variable " + name + " is not used; did you mean " + std::string{meant} + "?");
  }

  static std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  void tell_ignored() {
    if (!meaningless_.empty()) {
      draft_.notice(log::Level::kInfo, "set, but without meaning in this router: " + join(meaningless_));
    }
  }

  const Environment& environment_;
  ConfigDraft& draft_;
  std::vector<std::string> meaningless_;
};

}  // namespace

Environment read_environment() {
  Environment snapshot;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) snapshot.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return snapshot;
}

void read_env_config(const Environment& environment, ConfigDraft& draft) {
  Reader{environment, draft}.read();
}

}  // namespace wgr
