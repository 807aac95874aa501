// The loads of the generator. Each is bounded in time, measures the process `pid` from the end of the
// warm-up on, and gives named figures; the driver prints the table.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/time.h"
#include "tests/bench/tunnel_client.h"
#include "tests/bench/usage.h"

namespace wgr::bench {

// How a guest comes in.
enum class Ingress : std::uint8_t { kUdp, kEthernet, kWireGuard };  // the latter two over a WebSocket
enum class Security : std::uint8_t { kPlain, kTls };

struct Settings {
  Ingress ingress = Ingress::kUdp;
  Security security = Security::kPlain;  // of the WebSocket
  std::uint16_t router_port = 0;         // where the ingress or the limit listens
  pid_t pid = 0;                         // of the measured process
  // host_server's services.
  std::uint16_t source_port = 0;
  std::uint16_t sink_port = 0;
  std::uint16_t reply_port = 0;
  std::uint16_t echo_port = 0;
  Duration warm_up = std::chrono::milliseconds{500};
  Duration measured = std::chrono::seconds{2};
  Offloads offloads = Offloads::kOn;
  std::uint32_t flows = 1;
  std::uint32_t peers = 1;
  std::uint32_t rate = 50'000;  // UDP packets a second, sent
  std::uint32_t burst = 32;
};

// When the warm-up and the run end, for loads whose turns are their own.
struct Phases {
  explicit Phases(const Settings& settings)
      : warm(Clock::now() + settings.warm_up), end(warm + settings.measured) {}
  Instant warm;
  Instant end;
};

class Figures {
 public:
  void add(std::string name, double value) { values_.emplace_back(std::move(name), value); }
  // One line of JSON.
  std::string to_json(const std::string& scenario) const;

 private:
  std::vector<std::pair<std::string, double>> values_;
};

// Time and cost between start() and stop().
class Meter {
 public:
  explicit Meter(pid_t pid) : pid_(pid) {}
  void start() {
    before_ = read_usage(pid_);
    own_before_ = read_usage(own_pid());
    began_ = Clock::now();
  }
  void stop() {
    ended_ = Clock::now();
    after_ = read_usage(pid_);
    own_after_ = read_usage(own_pid());
  }
  double seconds() const { return std::chrono::duration<double>(ended_ - began_).count(); }
  double cpu_seconds() const { return after_.cpu_seconds() - before_.cpu_seconds(); }
  const Usage& before() const noexcept { return before_; }
  const Usage& after() const noexcept { return after_; }
  // seconds, CPU of the measured process and of the generator.
  void report(Figures& figures) const;

 private:
  static pid_t own_pid();

  const pid_t pid_;
  Usage before_, after_, own_before_, own_after_;
  Instant began_, ended_;
};

// --- through the router ---
Figures run_download(const Settings& settings);
Figures run_upload(const Settings& settings);
Figures run_udp(const Settings& settings);
// Connect, one request of 64 bytes, one answer, close; `flows` at a time.
Figures run_flow_rate(const Settings& settings);
// `flows` idle connections: memory before and after.
Figures run_idle_flows(const Settings& settings);
Figures run_handshakes(const Settings& settings);
// Asks for a handshake every millisecond until the router answers, at most ten seconds: says "ready=1", then
// "answered_at=" with the seconds of CLOCK_MONOTONIC.
int wait_for_first_answer(const Settings& settings);

// --- WebSocket sessions (websocket_scenarios.cc) ---
// Connect, upgrade, close; `flows` at a time.
Figures run_sessions(const Settings& settings);
// `flows` idle sessions: memory before and after.
Figures run_idle_sessions(const Settings& settings);
// `flows` stations with a lease, idle but for `rate` renewals a second.
Figures run_leases(const Settings& settings);

// --- against the limit (tests/bench/limit.cc, limit_websocket.cc) ---
Figures run_bare_download(const Settings& settings, std::uint16_t listen_port);
Figures run_bare_upload(const Settings& settings);
Figures run_bare_udp(const Settings& settings);
Figures run_bare_websocket_download(const Settings& settings);
Figures run_bare_websocket_upload(const Settings& settings);

}  // namespace wgr::bench
