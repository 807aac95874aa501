#include "cmd/config_ingress.h"

#include <algorithm>
#include <set>

#include "cmd/config_draft.h"
#include "core/text.h"
#include "ws/tls.h"

namespace wgr {
namespace {

// Keys of `ws` that speak of the simple listeners only.
constexpr std::string_view kSimpleKeys[] = {
    "ws.addresses",   "ws.port",       "ws.tls_port",   "ws.certificate",
    "ws.private_key", "ws.passphrase", "ws.paths",      "ws.passphrase_file",
    "ws.origins",     "ws.token",      "ws.token_file",
};

bool has_network(const Config& config, std::string_view name) {
  const auto& networks = config.lan.networks;
  return std::any_of(networks.begin(), networks.end(),
                     [&](const LanEntry& entry) { return entry.network.name == name; });
}

std::vector<ws::Route> default_routes(const Config& config) {
  std::vector<ws::Route> routes;
  const auto add = [&routes](std::string path, ws::Service service, std::string network = {}) {
    routes.push_back({std::move(path), service, std::move(network)});
  };
  if (has_network(config, "default")) {
    add("/", ws::Service::kEthernet, "default");
    add("/ethernet", ws::Service::kEthernet, "default");
  }
  for (const LanEntry& entry : config.lan.networks) {
    add("/ethernet/" + entry.network.name, ws::Service::kEthernet, entry.network.name);
  }
  add("/wg", ws::Service::kWireGuard);
  add("/v1/events", ws::Service::kWireGuard);  // wstunnel's
  add("/dns-query", ws::Service::kDns);
  return routes;
}

ws::ListenerConfig open(const Config& config, const ListenerEntry& entry) {
  ws::ListenerConfig listener = entry.listener;
  if (listener.routes.empty()) listener.routes = default_routes(config);
  if (!entry.tls.certificate.empty()) {
    listener.tls = entry.tls;
    if (listener.tls->private_key.empty()) listener.tls->private_key = entry.tls.certificate;
  }
  for (const TokenEntry& token : entry.tokens) listener.tokens.push_back(token.token);
  return listener;
}

void derive_simple(ConfigDraft& draft) {
  Config& config = draft.config;
  ListenerEntry entry = config.ingress.simple;
  if (!config.ingress.token.token.secret.empty()) {
    entry.tokens.push_back(config.ingress.token);
    entry.tokens.back().token.name = "token";
  }
  const ws::TlsFiles tls = std::move(entry.tls);
  entry.tls = {};
  if (entry.listener.port != 0) {
    entry.listener.origin = draft.where("ws.port");
    config.ws.listeners.push_back(open(config, entry));
  }
  if (!tls.certificate.empty() && config.ingress.tls_port != 0) {
    entry.tls = tls;
    entry.listener.port = config.ingress.tls_port;
    entry.listener.origin = draft.where("ws.tls_port");
    config.ws.listeners.push_back(open(config, entry));
  } else if (tls.certificate.empty() && config.ingress.tls_port != Config{}.ingress.tls_port) {
    draft.notice(log::Level::kWarn, "ws.tls_port is set, but no certificate: no listener with TLS is opened");
  }
}

void tell_unused(ConfigDraft& draft) {
  for (const std::string_view path : kSimpleKeys) {
    // print-config writes defaults too: those are no wish.
    const Setting& setting = *find_setting(path);
    const Origin* origin = draft.origin(path);
    if (origin == nullptr || setting.get(draft.config) == setting.get(Config{})) continue;
    draft.notice(log::Level::kWarn, origin->where + " is not used: `listeners` says what to open");
  }
}

bool is_open_to_others(const ws::ListenerConfig& listener) {
  return listener.addresses.empty() || std::any_of(listener.addresses.begin(), listener.addresses.end(),
                                                   [](const IpAddress& ip) { return !ip.is_loopback(); });
}

void check_routes(ConfigDraft& draft, const ws::ListenerConfig& listener) {
  std::set<std::string_view> seen;
  for (const ws::Route& route : listener.routes) {
    if (!seen.insert(route.path).second) {
      draft.problem(listener.origin + ": paths", quote(route.path) + " is given twice");
    }
    if (route.service != ws::Service::kEthernet || has_network(draft.config, route.network)) continue;
    draft.problem(
        listener.origin + ": paths",
        quote(route.path) + " leads to the network " + quote(route.network) + ", which is not there",
        "one of lan.networks");
  }
}

void check_tokens(ConfigDraft& draft, const ws::ListenerConfig& listener) {
  std::set<std::string_view> names;
  std::set<std::string_view> secrets;
  for (const ws::Token& token : listener.tokens) {
    const std::string where = listener.origin + ": tokens";
    if (!names.insert(token.name).second) {
      draft.problem(where, "two have the name " + quote(token.name), "a name for each");
    }
    if (!token.secret.empty() && !secrets.insert(token.secret).second) {
      draft.problem(where, quote(token.name) + " has the secret of another", "a secret for each");
    }
    for (const std::string& network : token.networks) {
      if (has_network(draft.config, network)) continue;
      draft.problem(where,
                    quote(token.name) + " opens the network " + quote(network) + ", which is not there",
                    "one of lan.networks");
    }
  }
}

// The beginnings of messages about the files of one listener.
struct TlsWhere {
  std::string certificate;
  std::string private_key;
  std::string passphrase;

  // A key without a file of its own is looked for in the certificate's.
  const std::string& of_private_key(const ws::TlsFiles& tls) const {
    return tls.private_key.empty() ? certificate : private_key;
  }
};

class SecretReader {
 public:
  SecretReader(KeyPermissions permissions, ConfigDraft& draft) : permissions_(permissions), draft_(draft) {}

  void read(const std::string& path, std::string& secret, const std::string& where) {
    if (path.empty()) return;
    SecretText file = read_secret_file(path, permissions_);
    if (file.text) secret = *std::move(file.text);
    if (!file.fault.empty()) draft_.problem(where, path + " " + file.fault);
  }

  // Reads the passphrase, and tries whether a listener can speak TLS with all three, before it has to.
  void read_tls(ws::TlsFiles& tls, const std::string& passphrase_file, const TlsWhere& where) {
    const std::size_t before = draft_.problems().size();
    read(passphrase_file, tls.passphrase, where.passphrase);
    if (tls.certificate.empty()) {
      if (!tls.private_key.empty()) draft_.problem(where.private_key, "there is no certificate beside it");
      return;
    }
    judge_files(tls, where);
    if (draft_.problems().size() == before) try_tls(tls, where);
  }

 private:
  void judge_files(const ws::TlsFiles& tls, const TlsWhere& where) {
    const FileText chain = read_text_file(tls.certificate);
    if (!chain.text) draft_.problem(where.certificate, tls.certificate + " " + chain.fault);
    const std::string& key = tls.private_key.empty() ? tls.certificate : tls.private_key;
    if (!chain.text && key == tls.certificate) return;
    if (const std::string fault = judge_key_file(key, permissions_); !fault.empty()) {
      draft_.problem(where.of_private_key(tls), key + " " + fault);
    }
  }

  void try_tls(ws::TlsFiles tls, const TlsWhere& where) {
    const std::string& private_key_where = where.of_private_key(tls);
    if (tls.private_key.empty()) tls.private_key = tls.certificate;
    try {
      ws::TlsContext::for_server(tls);
    } catch (const ws::TlsFileError& error) {
      using Part = ws::TlsFileError::Part;
      const bool is_passphrase = error.part() == Part::kPassphrase;
      const bool is_private_key = error.part() == Part::kPrivateKey;
      draft_.problem(is_passphrase    ? where.passphrase
                     : is_private_key ? private_key_where
                                      : where.certificate,
                     error.what());
    }
    erase_memory(tls.passphrase.data(), tls.passphrase.size());
  }

  const KeyPermissions permissions_;
  ConfigDraft& draft_;
};

void try_authorities(ConfigDraft& draft) {
  const std::string& file = draft.config.wireguard.dial_authorities;
  if (file.empty()) return;
  try {
    ws::TlsContext::for_client(file, /*verify=*/true);
  } catch (const ws::TlsFileError& error) {
    draft.problem(draft.where("wireguard.dial_authorities"), error.what());
  }
}

}  // namespace

void read_ingress_secrets(KeyPermissions permissions, ConfigDraft& draft) {
  SecretReader reader{permissions, draft};
  Config& config = draft.config;
  ListenerEntry& simple = config.ingress.simple;
  const char* const passphrase = simple.passphrase_file.empty() ? "ws.passphrase" : "ws.passphrase_file";
  reader.read_tls(simple.tls, simple.passphrase_file,
                  {draft.where("ws.certificate"), draft.where("ws.private_key"), draft.where(passphrase)});
  reader.read(config.ingress.token.secret_file, config.ingress.token.token.secret,
              draft.where("ws.token_file"));
  reader.read(config.metrics_token_file, config.metrics.listener.token, draft.where("metrics.token_file"));
  for (ListenerEntry& entry : config.ingress.listeners) {
    const std::string& origin = entry.listener.origin;
    const char* const of_entry = entry.passphrase_file.empty() ? ": passphrase" : ": passphrase_file";
    reader.read_tls(entry.tls, entry.passphrase_file,
                    {origin + ": certificate", origin + ": private_key", origin + of_entry});
    for (TokenEntry& token : entry.tokens) {
      reader.read(token.secret_file, token.token.secret, origin + ": tokens: secret_file");
    }
  }
  try_authorities(draft);
}

void derive_listeners(ConfigDraft& draft) {
  Config& config = draft.config;
  config.ws.listeners.clear();
  config.ws.tunnels.port = config.wireguard.listen_port;
  if (!config.ingress.enabled) return;
  if (config.ingress.listeners.empty()) return derive_simple(draft);
  tell_unused(draft);
  for (const ListenerEntry& entry : config.ingress.listeners) {
    config.ws.listeners.push_back(open(config, entry));
  }
}

void check_listeners(ConfigDraft& draft) {
  for (const ws::ListenerConfig& listener : draft.config.ws.listeners) {
    check_routes(draft, listener);
    check_tokens(draft, listener);
    if (!listener.tokens.empty() || !is_open_to_others(listener)) continue;
    draft.notice(log::Level::kWarn, "port " + std::to_string(listener.port) +
                                        " is open beyond this host without a token: whoever reaches it and "
                                        "passes the origin check becomes a guest");
  }
}

}  // namespace wgr
