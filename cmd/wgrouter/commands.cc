#include "cmd/wgrouter/commands.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <istream>
#include <iterator>
#include <ostream>

#include "cmd/build_info.h"
#include "cmd/config_setting.h"
#include "cmd/config_yaml.h"
#include "cmd/state_folder.h"
#include "core/duration.h"
#include "core/text.h"
#include "metrics/json.h"
#include "wireguard/crypto.h"
#include "wireguard/key_text.h"

namespace wgr {
namespace {

void print_secret(const SecretBytes<32>& key, std::ostream& out) {
  std::string text = wireguard::secret_to_base64(key);
  out << text << '\n' << std::flush;
  erase_memory(text.data(), text.size());
}

std::string join(const std::vector<std::string>& items, std::string_view none) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? std::string{none} : text;
}

template <typename Items>
std::vector<std::string> texts_of(const Items& items) {
  std::vector<std::string> texts;
  texts.reserve(items.size());
  for (const auto& item : items) texts.push_back(item.to_string());
  return texts;
}

void print_key_line(const Config& config, std::ostream& out) {
  if (needs_state_folder(config)) {
    out << "key:      none configured; run makes one and a first client in the state folder\n";
    return;
  }
  out << "key:      public key "
      << wireguard::to_base64(wireguard::public_key_of(config.wireguard.device.private_key)) << '\n';
}

void print_peer_lines(const Config& config, std::ostream& out) {
  const auto& peers = config.wireguard.peers;
  const auto served =
      std::count_if(peers.begin(), peers.end(), [](const PeerEntry& entry) { return entry.is_enabled; });
  out << "peers:    " << served << (served == std::ssize(peers) ? "" : " of " + std::to_string(peers.size()))
      << '\n';
}

void print_ingress_lines(const Config& config, std::ostream& out) {
  if (config.ws.listeners.empty()) out << "web:      no HTTP or WebSocket listener\n";
  for (const ws::ListenerConfig& listener : config.ws.listeners) {
    std::vector<std::string> paths;
    paths.reserve(listener.routes.size());
    for (const ws::Route& route : listener.routes) paths.push_back(route.path);
    out << "web:      " << (listener.tls ? "https and wss" : "http and ws") << " port " << listener.port
        << " on " << join(texts_of(listener.addresses), "all addresses") << ", "
        << (listener.tokens.empty() ? "no token" : "token needed") << ": " << join(paths, "no path") << '\n';
  }
  for (const LanEntry& entry : config.lan.networks) {
    const slirp::lan::NetworkConfig& network = entry.network;
    out << "lan:      " << network.name << ' ' << network.subnet.to_string() << ", gateway "
        << network.gateway.to_string() << (network.dhcp.enabled ? ", DHCP" : ", no DHCP")
        << (network.ipv6.prefix ? ", " + network.ipv6.prefix->to_string() : "")
        << (network.isolate ? ", stations isolated" : ", a switch")
        << (network.reach_peers ? ", reaches peers" : "") << '\n';
  }
  for (const ForwardEntry& entry : config.forwards) {
    out << "forward:  " << find_in(forward_settings(), "listen")->get(entry)[0] << '/'
        << find_in(forward_settings(), "protocol")->get(entry)[0] << " to "
        << find_in(forward_settings(), "to")->get(entry)[0] << '\n';
  }
}

void print_metrics_line(const Config& config, std::ostream& out) {
  const metrics::ListenerConfig& listener = config.metrics.listener;
  out << "metrics:  ";
  if (listener.enabled) {
    out << "port " << listener.port << " on " << join(texts_of(listener.addresses), "all addresses") << '\n';
  } else {
    out << "off\n";
  }
}

}  // namespace

int print_new_private_key(std::ostream& out) {
  print_secret(wireguard::generate_private_key(), out);
  return out ? 0 : 1;
}

int print_new_preshared_key(std::ostream& out) {
  print_secret(SecretBytes<32>::random(), out);
  return out ? 0 : 1;
}

int print_public_key(std::istream& in, std::ostream& out, std::ostream& errors) {
  constexpr std::size_t kEnough = 256;
  std::string text(kEnough, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto length = static_cast<std::size_t>(in.gcount());
  const auto key = wireguard::parse_secret_key(trim(std::string_view{text}.substr(0, length)));
  erase_memory(text.data(), text.size());
  if (!key) {
    errors << "wgrouter: standard input: no private key; expected " << wireguard::kKeyForm << '\n';
    return 1;
  }
  out << wireguard::to_base64(wireguard::public_key_of(*key)) << '\n' << std::flush;
  return out ? 0 : 1;
}

int check_config(const ConfigSource& source, std::ostream& out) {
  const Config config = source.check();
  out << "configuration ok\n";
  print_key_line(config, out);
  out << "listen:   UDP port " << config.wireguard.listen_port << " on "
      << join(texts_of(config.wireguard.listen_addresses), "all addresses") << '\n';
  print_peer_lines(config, out);
  out << "network:  " << join(texts_of(config.network.addresses), "no own address") << ", MTU "
      << config.slirp.mtu << (config.network.ipv6 ? "" : ", no IPv6") << '\n';
  out << "egress:   allow " << join(texts_of(config.egress.rules.allow), "the public internet only")
      << "; deny " << join(texts_of(config.egress.rules.deny), "nothing more") << '\n';
  out << "overlay:  " << (config.overlay.enabled ? "on" : "off") << '\n';
  out << "dns:      " << join(texts_of(config.slirp.dns.upstreams), "off") << '\n';
  print_ingress_lines(config, out);
  print_metrics_line(config, out);
  out << "workers:  " << config.processor.workers << '\n';
  out << "report:   " << (config.report.enabled ? "every " + to_string(config.report.interval) : "off")
      << '\n';
  for (const Notice& notice : config.notices) out << "note:     " << notice.text << '\n';
  out << std::flush;
  return out ? 0 : 1;
}

int print_config(const ConfigSource& source, std::ostream& out) {
  out << print_yaml_config(source.check()) << std::flush;
  return out ? 0 : 1;
}

int print_version(VersionFormat format, std::ostream& out) {
  const metrics::BuildInfo build = build_info();
  if (format == VersionFormat::kJson) {
    metrics::JsonObject json;
    json.add("name", "wgrouter").add("version", build.version).add("compiler", build.compiler);
    out << json.to_string() << '\n';
  } else {
    out << "wgrouter " << build.version << '\n';
  }
  out << std::flush;
  return out ? 0 : 1;
}

void harden_process() {
  std::signal(SIGPIPE, SIG_IGN);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur < descriptors.rlim_max) {
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
}

}  // namespace wgr
