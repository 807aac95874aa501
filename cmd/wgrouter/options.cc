#include "cmd/wgrouter/options.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cmd/config_setting.h"
#include "core/text.h"

namespace wgr {
namespace {

struct CommandName {
  std::string_view name;
  Command command;
  std::string_view help;
};
constexpr CommandName kCommands[] = {
    {"run", Command::kRun, "serve (the default)"},
    {"check-config", Command::kCheckConfig, "read the configuration, print a summary or every problem"},
    {"print-config", Command::kPrintConfig, "print the effective configuration as YAML, without secrets"},
    {"genkey", Command::kGenkey, "print a new private key"},
    {"pubkey", Command::kPubkey, "read a private key from standard input, print its public key"},
    {"genpsk", Command::kGenpsk, "print a new preshared key"},
    {"healthcheck", Command::kHealthcheck,
     "ask a running router whether it is ready (--url URL): exit code 0 or 1"},
    {"version", Command::kVersion, "print the version (--json)"},
    {"help", Command::kHelp, "print this"},
};

// A flag that stands for one key. `implied` is its value when it takes none.
struct Flag {
  std::string_view name;
  std::string_view path;
  std::string_view value_name;
  std::string_view implied;
  std::string_view help;
  std::string_view short_name = {};  // as wsnic has them
};
constexpr Flag kFlags[] = {
    {"--listen-port", "wireguard.listen_port", "PORT", {}, "UDP port of the tunnel (51820)"},
    {"--listen-address", "wireguard.listen_addresses", "IP", {}, "listen on this address only (repeatable)"},
    {"--private-key-file", "wireguard.private_key_file", "FILE", {}, "the router's private key"},
    {"--insecure-key-permissions",
     "wireguard.insecure_key_permissions",
     {},
     "true",
     "accept key files that others may read"},
    {"--public-endpoint",
     "wireguard.public_endpoint",
     "HOST[:PORT]",
     {},
     "the endpoint printed for the first client"},
    {"--mtu", "network.mtu", "BYTES", {}, "largest inner packet (1420)"},
    {"--address", "network.addresses", "IP/LEN", {}, "the router's inner address (repeatable)"},
    {"--workers", "processor.workers", "N", {}, "worker threads (auto)"},
    {"--egress-allow", "egress.allow", "RULE", {}, "let guests reach this, e.g. private (repeatable)"},
    {"--egress-deny", "egress.deny", "RULE", {}, "keep guests from this (repeatable)"},
    {"--dns", "dns.upstreams", "IP", {}, "resolver for the router's own addresses (repeatable)"},
    {"--overlay", "overlay.enabled", {}, "true", "let guests reach each other"},
    {"--log-level", "log.level", "LEVEL", {}, "trace, debug, info, warn or error"},
    {"-v", "log.level", {}, "debug", "the same as --log-level debug"},
    {"-q", "log.level", {}, "warn", "the same as --log-level warn"},
    {"--log-format", "log.format", "FORMAT", {}, "text or json"},
    {"--metrics-interval", "metrics.interval", "TIME", {}, "how often metrics.report writes"},
    {"--ws-address",
     "ws.addresses",
     "IP",
     {},
     "HTTP and WebSocket listen here (127.0.0.1; repeatable)",
     "-a"},
    {"--ws-port", "ws.port", "PORT", {}, "plain HTTP and WebSocket port (8086)"},
    {"--wss-port", "ws.tls_port", "PORT", {}, "the port with TLS (8087)"},
    {"--wss-certificate", "ws.certificate", "FILE", {}, "PEM chain: opens the port with TLS", "-r"},
    {"--wss-private-key",
     "ws.private_key",
     "FILE",
     {},
     "PEM key; without it, in the certificate's file",
     "-k"},
    {"--ws-origin", "ws.origins", "URL", {}, "pages of this origin may connect, or * (repeatable)"},
    {"--ws-token-file", "ws.token_file", "FILE", {}, "clients must show this token"},
    {"--subnet",
     "lan.networks.default.subnet",
     "CIDR",
     {},
     "addresses of browser VMs (192.168.86.0/24)",
     "-s"},
    {"--disable-dhcp", "lan.networks.default.dhcp.enabled", {}, "false", "VMs have fixed addresses"},
    {"--dhcp-lease-file", "lan.lease_file", "FILE", {}, "where leases survive a restart"},
    {"--dhcp-lease-time",
     "lan.networks.default.dhcp.lease_time",
     "SECONDS",
     {},
     "also 12h, infinite (24h)",
     "-t"},
    {"--dhcp-domain-name", "lan.networks.default.dhcp.domain", "NAME", {}, "domain of the VMs (lan)", "-n"},
    {"--dhcp-nameserver",
     "lan.networks.default.dhcp.name_servers",
     "IP",
     {},
     "resolver told to VMs (the gateway; repeatable)",
     "-d"},
    {"--forward",
     "forwards",
     "[udp:]PORT=NAME[:PORT]",
     {},
     "a host port leads into a guest, e.g. 8080=box:80 (repeatable)"},
    {"--pcap", "pcap.path", "FILE", {}, "capture inner packets"},
    {"--state-folder", "state.folder", "FOLDER", {}, "where a router without configuration keeps its key"},
    {"--state-dir", "state.folder", "FOLDER", {}, "the same"},
    {"--shutdown-grace", "shutdown.grace", "TIME", {}, "how long SIGTERM lets live flows finish"},
};

const Flag* find_flag(std::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name || (!name.empty() && flag.short_name == name)) return &flag;
  }
  return nullptr;
}

// Flags of wsnic that ask for what is always so, or for what there is none of here.
struct NoMeaning {
  std::string_view name;
  std::string_view short_name;
  bool takes_value;
  std::string_view why;
};
constexpr NoMeaning kNoMeaning[] = {
    {"--enable-inet", "-i", false, "guests reach the public internet unless egress.deny says otherwise"},
    {"--inet-iface", "-f", true, "the host's routes decide"},
};

const NoMeaning* find_no_meaning(std::string_view name) {
  for (const NoMeaning& flag : kNoMeaning) {
    if (flag.name == name || flag.short_name == name) return &flag;
  }
  return nullptr;
}

// "-t3600" is "-t 3600".
bool has_value_attached(std::string_view argument) {
  if (argument.size() < 3 || argument.starts_with("--") || argument[2] == '=') return false;
  const std::string_view name = argument.substr(0, 2);
  const Flag* const flag = find_flag(name);
  const NoMeaning* const no_meaning = find_no_meaning(name);
  return name == "-c" || (flag != nullptr && !flag->value_name.empty()) ||
         (no_meaning != nullptr && no_meaning->takes_value);
}

std::vector<std::string_view> flag_names() {
  std::vector<std::string_view> names{"--config", "--wg-config", "--set",    "--json",
                                      "--url",    "--help",      "--version"};
  for (const Flag& flag : kFlags) names.push_back(flag.name);
  return names;
}

class Parser {
 public:
  Parser(std::span<const std::string_view> arguments, Options& options)
      : arguments_(arguments), options_(options) {}

  void parse() {
    while (!arguments_.empty()) {
      const std::string_view argument = take();
      if (argument.starts_with('-')) {
        read_flag(argument);
      } else {
        read_command(argument);
      }
    }
    if (options_.is_json && options_.command != Command::kVersion) {
      throw UsageError{"--json belongs to the command version"};
    }
    if (!options_.url.empty() && options_.command != Command::kHealthcheck) {
      throw UsageError{"--url belongs to the command healthcheck"};
    }
  }

 private:
  std::string_view take() {
    const std::string_view first = arguments_.front();
    arguments_ = arguments_.subspan(1);
    return first;
  }

  void read_command(std::string_view word) {
    if (has_command_) throw UsageError{"unexpected argument " + quote(word)};
    std::vector<std::string_view> names;
    for (const CommandName& known : kCommands) {
      if (known.name == word) {
        options_.command = known.command;
        has_command_ = true;
        return;
      }
      names.push_back(known.name);
    }
    throw UsageError{"unknown command " + quote(word) + did_you_mean(word, names)};
  }

  void read_flag(std::string_view argument) {
    const bool is_attached = has_value_attached(argument);
    const std::size_t equals = is_attached ? 2 : argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    std::optional<std::string_view> inline_value;
    if (equals != std::string_view::npos) inline_value = argument.substr(equals + (is_attached ? 0 : 1));

    if (name == "--config" || name == "-c") {
      options_.places.config_file = value_of(name, inline_value);
    } else if (name == "--wg-config") {
      options_.places.wg_config_file = value_of(name, inline_value);
    } else if (name == "--url") {
      options_.url = value_of(name, inline_value);
    } else if (name == "--set") {
      read_set(value_of(name, inline_value));
    } else if (const Flag* flag = find_flag(name)) {
      const bool takes_none = flag->value_name.empty();
      // --disable-dhcp=true would say the opposite of what it sets.
      const bool may_have_value = !takes_none || flag->implied == "true";
      if (inline_value && !may_have_value) throw UsageError{std::string{name} + " takes no value"};
      add(flag->path, takes_none ? inline_value.value_or(flag->implied) : value_of(name, inline_value), name);
    } else if (const NoMeaning* no_meaning = find_no_meaning(name)) {
      if (no_meaning->takes_value) value_of(name, inline_value);
      if (!no_meaning->takes_value && inline_value) throw UsageError{std::string{name} + " takes no value"};
      options_.places.meaningless_flags.push_back(std::string{name} + ": " + std::string{no_meaning->why});
    } else {
      read_plain_flag(name, inline_value);
    }
  }

  void read_plain_flag(std::string_view name, const std::optional<std::string_view>& inline_value) {
    if (inline_value && (name == "--json" || name == "--help" || name == "--version")) {
      throw UsageError{std::string{name} + " takes no value"};
    }
    if (name == "--json") {
      options_.is_json = true;
    } else if (name == "--help" || name == "-h") {
      options_.command = Command::kHelp;
    } else if (name == "--version" || name == "-V") {
      options_.command = Command::kVersion;
    } else {
      throw UsageError{"unknown flag " + quote(name) + did_you_mean(name, flag_names())};
    }
  }

  std::string value_of(std::string_view name, const std::optional<std::string_view>& inline_value) {
    if (!inline_value && arguments_.empty()) throw UsageError{std::string{name} + " needs a value"};
    const std::string_view value = inline_value ? *inline_value : take();
    if (value.empty()) throw UsageError{std::string{name} + " needs a value"};
    return std::string{value};
  }

  void read_set(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
      throw UsageError{"--set needs KEY=VALUE, such as tcp.ack_delay=5ms"};
    const std::string_view path = text.substr(0, equals);
    add(path, text.substr(equals + 1), "--set " + quote(path));
  }

  // A repeated flag of a list adds to it; of a single value it is a mistake the loader names.
  void add(std::string_view path, std::string_view value, std::string_view origin) {
    const std::optional<Shape> shape = shape_of(path);
    for (Override& former : options_.places.overrides) {
      if (former.path != path) continue;
      if (!shape || *shape == Shape::kScalar) {
        throw UsageError{std::string{origin} + ": " + quote(path) + " is given twice"};
      }
      former.value += "," + std::string{value};
      return;
    }
    options_.places.overrides.push_back({std::string{path}, std::string{value}, std::string{origin}});
  }

  static std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
    const std::string_view meant = closest(word, names);
    return meant.empty() ? "; see wgrouter help" : "; did you mean " + std::string{meant} + "?";
  }

  std::span<const std::string_view> arguments_;
  Options& options_;
  bool has_command_ = false;
};

std::string value_or_empty(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string{} : found->second;
}

void append_row(std::string& text, std::string left, std::string_view right) {
  constexpr std::size_t kColumn = 34;
  left = "  " + left;
  left.resize(std::max(kColumn, left.size() + 2), ' ');
  text += left;
  text += right;
  text += '\n';
}

}  // namespace

Options parse_options(std::span<const std::string_view> arguments, Environment environment) {
  Options options;
  options.places.config_file = value_or_empty(environment, "WGROUTER_CONFIG");
  options.places.wg_config_file = value_or_empty(environment, "WGROUTER_WG_CONFIG");
  Parser{arguments, options}.parse();
  options.places.environment = std::move(environment);
  return options;
}

std::string help_text() {
  std::string text =
      "usage: wgrouter [COMMAND] [FLAGS]\n\nA userspace WireGuard router: no root, no TUN device.\n";
  text += "Without any configuration it makes a key and one client, prints the client's .conf, and serves.\n";
  text += "\ncommands:\n";
  for (const CommandName& command : kCommands) append_row(text, std::string{command.name}, command.help);
  text +=
      "\nwhere the configuration comes from, later ones win (defaults, FILE, .conf, environment, flags):\n";
  append_row(text, "-c, --config FILE", "YAML; $WGROUTER_CONFIG");
  append_row(text, "--wg-config FILE", "a WireGuard .conf for key, port and peers; $WGROUTER_WG_CONFIG");
  append_row(text, "--set KEY=VALUE", "any key of the file, e.g. --set tcp.ack_delay=5ms; lists: a,b");
  text += "\nflags for common keys:\n";
  for (const Flag& flag : kFlags) {
    const std::string names = flag.short_name.empty() ? "" : std::string{flag.short_name} + ", ";
    append_row(
        text,
        names + std::string{flag.name} + (flag.value_name.empty() ? "" : " " + std::string{flag.value_name}),
        flag.help);
  }
  text += "\nEvery key can also be set as WGROUTER_<SECTION>_<KEY>, e.g. WGROUTER_TCP_ACK_DELAY=5ms.\n";
  text += "SIGHUP reads everything again. A configuration with problems: exit code 2.\n";
  return text;
}

}  // namespace wgr
