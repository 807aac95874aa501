// The load generator: one load against one process, figures as one line of JSON.
//
//   load_generator conf PORT PEERS           the router's WireGuard configuration
//   load_generator SCENARIO key=value...     see scenario.h; keys in kKeys below
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "tests/bench/descriptors.h"
#include "tests/bench/identities.h"
#include "tests/bench/scenario.h"

namespace wgr::bench {
namespace {

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: load_generator conf PORT PEERS\n"
               "       load_generator download|upload|udp|flow_rate|idle_flows|handshakes|\n"
               "                      sessions|idle_sessions|leases|first_answer|\n"
               "                      bare_download|bare_upload|bare_udp|\n"
               "                      bare_websocket_download|bare_websocket_upload  [key=value]...\n"
               "keys: router pid source sink reply echo listen flows peers rate burst offloads(0|1)\n"
               "      ingress(0: UDP|1: Ethernet|2: WireGuard over a WebSocket) tls(0|1)\n"
               "      warm_up_ms measured_ms\n");
  std::exit(2);
}

// Numbers by name; each may be read once, what is left over is a mistake.
class Arguments {
 public:
  Arguments(int count, char** words) {
    for (int i = 0; i < count; ++i) {
      const std::string_view word = words[i];
      const std::size_t at = word.find('=');
      char* end = nullptr;
      const std::string value(at == word.npos ? "" : word.substr(at + 1));
      const long number = std::strtol(value.c_str(), &end, 10);
      if (value.empty() || *end != '\0' || number < 0) usage();
      values_[std::string(word.substr(0, at))] = static_cast<std::uint32_t>(number);
    }
  }
  std::uint32_t take(const std::string& name, std::uint32_t fallback) {
    const auto found = values_.find(name);
    if (found == values_.end()) return fallback;
    const std::uint32_t value = found->second;
    values_.erase(found);
    return value;
  }
  std::uint16_t take_port(const std::string& name) { return static_cast<std::uint16_t>(take(name, 0)); }
  bool empty() const noexcept { return values_.empty(); }

 private:
  std::map<std::string, std::uint32_t> values_;
};

int run(const std::string& scenario, Arguments arguments) {
  Settings settings;
  settings.router_port = arguments.take_port("router");
  settings.pid = static_cast<pid_t>(arguments.take("pid", 0));
  settings.source_port = arguments.take_port("source");
  settings.sink_port = arguments.take_port("sink");
  settings.reply_port = arguments.take_port("reply");
  settings.echo_port = arguments.take_port("echo");
  settings.warm_up = std::chrono::milliseconds{arguments.take("warm_up_ms", 500)};
  settings.measured = std::chrono::milliseconds{arguments.take("measured_ms", 2000)};
  settings.offloads = arguments.take("offloads", 1) != 0 ? Offloads::kOn : Offloads::kOff;
  const std::uint32_t ingress = arguments.take("ingress", 0);
  if (ingress > static_cast<std::uint32_t>(Ingress::kWireGuard)) usage();
  settings.ingress = static_cast<Ingress>(ingress);
  settings.security = arguments.take("tls", 0) != 0 ? Security::kTls : Security::kPlain;
  settings.flows = std::max(arguments.take("flows", settings.flows), 1u);
  settings.peers = std::max(arguments.take("peers", settings.peers), 1u);
  settings.rate = std::max(arguments.take("rate", settings.rate), 1u);
  settings.burst = std::max(arguments.take("burst", settings.burst), 1u);
  const std::uint16_t listen_port = arguments.take_port("listen");
  if (!arguments.empty()) usage();

  const std::map<std::string, Figures (*)(const Settings&)> scenarios = {
      {"download", run_download},
      {"upload", run_upload},
      {"udp", run_udp},
      {"flow_rate", run_flow_rate},
      {"idle_flows", run_idle_flows},
      {"handshakes", run_handshakes},
      {"sessions", run_sessions},
      {"idle_sessions", run_idle_sessions},
      {"leases", run_leases},
      {"bare_upload", run_bare_upload},
      {"bare_udp", run_bare_udp},
      {"bare_websocket_download", run_bare_websocket_download},
      {"bare_websocket_upload", run_bare_websocket_upload},
  };
  if (scenario == "first_answer") return wait_for_first_answer(settings);
  Figures figures;
  if (scenario == "bare_download") {
    figures = run_bare_download(settings, listen_port);
  } else if (const auto found = scenarios.find(scenario); found != scenarios.end()) {
    figures = found->second(settings);
  } else {
    usage();
  }
  std::printf("%s\n", figures.to_json(scenario).c_str());
  return 0;
}

}  // namespace
}  // namespace wgr::bench

int main(int argc, char** argv) {
  using namespace wgr::bench;
  if (argc < 2) usage();
  allow_descriptors();
  const std::string scenario = argv[1];
  if (scenario == "conf") {
    if (argc != 4) usage();
    std::fputs(router_conf(static_cast<std::uint16_t>(std::atoi(argv[2])),
                           static_cast<std::uint32_t>(std::atoi(argv[3])))
                   .c_str(),
               stdout);
    return 0;
  }
  return run(scenario, Arguments(argc - 2, argv + 2));
}
