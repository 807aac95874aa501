// The keys of the sections metrics and health.
#include <algorithm>

#include "cmd/config_setting_kinds.h"
#include "cmd/config_setting_lists.h"
#include "cmd/http_url.h"
#include "core/egress/host_name.h"

namespace wgr {
namespace {

using namespace setting_kinds;
using namespace std::chrono_literals;

void add_report(std::vector<Setting>& table) {
  using log::Format;
  table.push_back(boolean(
      "metrics.report", [](auto& c) -> auto& { return c.report.enabled; },
      "Writes a line with all counters to the log, periodically."));
  table.push_back(duration(
      "metrics.interval", [](auto& c) -> auto& { return c.report.interval; }, 1s, 24h, "How often."));
  table.push_back(choice<Format>(
      "metrics.format", [](auto& c) -> auto& { return c.report.format; },
      {{"text", Format::kText}, {"json", Format::kJson}},
      "In which form; unless set, that of `log.format`."));
}

void add_exporter(std::vector<Setting>& table) {
  using metrics::Compatibility;
  table.push_back(boolean(
      "metrics.enabled", [](auto& c) -> auto& { return c.metrics.listener.enabled; },
      "Serves /metrics, /livez, /readyz and /healthz on a port of their own."));
  table.push_back(addresses(
      "metrics.addresses", [](auto& c) -> auto& { return c.metrics.listener.addresses; },
      "Local addresses of that port; empty: all of both families."));
  table.push_back(number(
      "metrics.port", [](auto& c) -> auto& { return c.metrics.listener.port; }, 1, 65535,
      "That port (TCP)."));
  table.push_back(list(
      "metrics.hosts", [](auto& c) -> auto& { return c.metrics.listener.hosts; },
      [](std::string_view item) -> std::optional<std::string> {
        std::string name = to_lower(item);
        if (name == "*" || egress::is_host_name(name)) return name;
        return std::nullopt;
      },
      [](const std::string& name) { return name; }, "a list of host names, or *",
      "Names by which a scraper may call that port, beside addresses and `localhost`."));
  table.push_back(secret(
      "metrics.token", [](auto& c) -> auto& { return c.metrics.listener.token; },
      [](auto& c) -> auto& { return c.metrics_token_file; }, "a text of visible ASCII characters",
      "/metrics asks for it as Authorization: Bearer; health does not."));
  table.push_back(secret_file("metrics.token_file", [](auto& c) -> auto& { return c.metrics_token_file; }));
  table.push_back(text(
      "metrics.interface", [](auto& c) -> auto& { return c.metrics.exporter.interface; }, "a name",
      "The label `interface` of the WireGuard families."));
  table.push_back(choice<Compatibility>(
      "metrics.compatibility", [](auto& c) -> auto& { return c.metrics.exporter.compatibility; },
      {{"mindflavor", Compatibility::kMindFlavor},
       {"mdlayher", Compatibility::kMdlayher},
       {"both", Compatibility::kBoth}},
      "Whose exporter's names the WireGuard families have."));
  table.push_back(number(
      "metrics.max_peers", [](auto& c) -> auto& { return c.metrics.exporter.max_peers; }, 0, 1'000'000,
      "Peers with series of their own; the rest is summed up."));
}

// "1.1.1.1" or "1.1.1.1:53".
Setting dns_server() {
  Setting setting;
  setting.path = "health.dns_server";
  setting.expected = "an address like 1.1.1.1, 1.1.1.1:53 or [2620:fe::fe]:53";
  setting.help = "Who is asked for it; else the first of dns.upstreams.";
  setting.set = [](Config& config, const Texts& texts) -> std::optional<std::string> {
    auto server = SocketAddress::parse(texts[0]);
    if (const auto ip = IpAddress::parse(texts[0])) server = SocketAddress{*ip, 53};
    if (!server || server->port == 0 || server->ip.is_unspecified()) return is_not_one(texts[0]);
    config.metrics.health.probe.dns_server = *server;
    return std::nullopt;
  };
  setting.get = [](const Config& config) {
    const SocketAddress& server = config.metrics.health.probe.dns_server;
    return server.ip.is_unspecified() ? Texts{} : Texts{server.to_string()};
  };
  return setting;
}

Setting http_url() {
  Setting setting = text(
      "health.http_url", [](auto& c) -> auto& { return c.metrics.health.probe.http_url; },
      "http://HOST[:PORT]/PATH, or https", "Fetched by the probe; an answer of 200 to 399 is good.");
  const auto take = setting.set;
  setting.set = [take](Config& config, const Texts& texts) -> std::optional<std::string> {
    std::string problem;
    if (!texts[0].empty() && !parse_http_url(texts[0], problem)) return quote(texts[0]) + ": " + problem;
    return take(config, texts);
  };
  return setting;
}

Setting dns_name() {
  Setting setting = text(
      "health.dns_name", [](auto& c) -> auto& { return c.metrics.health.probe.dns_name; }, "a host name",
      "The probe asks for its address.");
  const auto take = setting.set;
  setting.set = [take](Config& config, const Texts& texts) -> std::optional<std::string> {
    constexpr std::size_t kMost = 253;  // RFC 1035, 2.3.4
    const auto is_strange = [](char c) { return c <= ' ' || c > '~' || c == ':' || c == '/'; };
    const std::string& name = texts[0];
    if (name.size() > kMost || std::any_of(name.begin(), name.end(), is_strange)) return is_not_one(name);
    return take(config, texts);
  };
  return setting;
}

void add_health(std::vector<Setting>& table) {
  table.push_back(duration(
      "health.stuck_after", [](auto& c) -> auto& { return c.metrics.health.stuck_after; }, 1s, 10min,
      "A worker that leaves a heartbeat unanswered this long makes /livez fail."));
  table.push_back(number(
      "health.descriptor_headroom_percent",
      [](auto& c) -> auto& { return c.metrics.health.descriptor_headroom_percent; }, 0, 100,
      "With fewer free file descriptors /readyz fails."));
  table.push_back(boolean(
      "health.probe", [](auto& c) -> auto& { return c.metrics.health.probe.enabled; },
      "Asks the targets below through the router's own way out; the results are in health and metrics."));
  table.push_back(http_url());
  table.push_back(dns_name());
  table.push_back(dns_server());
  table.push_back(boolean(
      "health.gates_ready", [](auto& c) -> auto& { return c.metrics.health.probe.gates_ready; },
      "true: a failing probe makes /readyz fail; else it is only shown."));
  table.push_back(duration(
      "health.interval", [](auto& c) -> auto& { return c.metrics.health.probe.interval; }, 1s, 24h,
      "How often the probe asks."));
  table.push_back(duration(
      "health.timeout", [](auto& c) -> auto& { return c.metrics.health.probe.timeout; }, 100ms, 1min,
      "How long it waits for an answer."));
}

}  // namespace

std::vector<Setting> observation_settings() {
  std::vector<Setting> table;
  add_report(table);
  add_exporter(table);
  add_health(table);
  return table;
}

}  // namespace wgr
