// WebSocket sessions that carry nothing, or next to nothing: as fast as they come and go, idle ones, and
// stations whose leases are renewed.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <vector>

#include "tests/bench/pacer.h"
#include "tests/bench/station.h"
#include "tests/bench/websocket_crowd.h"

namespace wgr::bench {
namespace {

constexpr std::size_t kFirst = 100;  // what the first sessions of a process touch belongs to the process
constexpr Duration kAnswerTime = std::chrono::seconds{10};

// Connect, upgrade, close: a session is complete when the router has ended the connection.
class SessionLoad : public CrowdHandler {
 public:
  SessionLoad(const Settings& settings, std::uint32_t at_a_time)
      : crowd_(settings, *this), is_closing_(at_a_time) {
    for (std::uint32_t i = 0; i < at_a_time; ++i) crowd_.open();
  }

  Crowd& crowd() noexcept { return crowd_; }
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;

 private:
  void opened(std::size_t number) override {
    is_closing_[number] = true;
    crowd_.close(number);
  }
  void ended(std::size_t number) override {
    (is_closing_[number] ? completed : failed) += 1;
    is_closing_[number] = false;
    crowd_.reopen(number);
  }

  Crowd crowd_;
  std::vector<bool> is_closing_;
};

// Stations, and what they were answered.
class LeaseLoad : public CrowdHandler {
 public:
  explicit LeaseLoad(const Settings& settings) : crowd_(settings, *this) {}

  Crowd& crowd() noexcept { return crowd_; }

  // Ends the program if one of them gets no lease.
  void add_stations(std::uint32_t count) {
    const std::size_t before = stations_.size();
    for (std::uint32_t i = 0; i < count; ++i) {
      stations_.emplace_back(static_cast<std::uint32_t>(stations_.size()) + 1);
    }
    crowd_.open_all(count);
    const Instant until = crowd_.now() + kAnswerTime;
    while (bound_ < before + count && crowd_.now() < until) crowd_.turn(until);
    if (bound_ == before + count) return;
    std::fprintf(stderr, "only %zu of %zu stations have a lease\n", bound_, before + count);
    std::exit(1);
  }
  // The next station in turn.
  void renew() {
    ask(next_);
    next_ = (next_ + 1) % stations_.size();
  }

  std::uint64_t renewed = 0;

 private:
  void opened(std::size_t number) override { ask(number); }
  void received(std::size_t number, MutableBytes message) override {
    Station& station = stations_[number];
    const bool was_bound = station.is_bound();
    if (!station.receive(message)) return;
    if (was_bound) {
      ++renewed;
    } else if (station.is_bound()) {
      ++bound_;
    } else {
      ask(number);
    }
  }
  void ask(std::size_t number) { crowd_.send(number, stations_[number].ask(room_)); }

  Crowd crowd_;
  std::deque<Station> stations_;
  std::size_t bound_ = 0;
  std::size_t next_ = 0;
  std::array<std::uint8_t, 1500> room_{};
};

}  // namespace

Figures run_sessions(const Settings& settings) {
  SessionLoad load(settings, settings.flows);
  load.crowd().run_until(load.crowd().now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  load.completed = load.failed = 0;
  load.crowd().run_until(load.crowd().now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("completed", static_cast<double>(load.completed));
  figures.add("failed", static_cast<double>(load.failed));
  meter.report(figures);
  return figures;
}

Figures run_idle_sessions(const Settings& settings) {
  CrowdHandler nobody;
  Crowd crowd(settings, nobody);
  crowd.open_all(kFirst);
  crowd.run_until(crowd.now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  crowd.open_all(settings.flows);
  crowd.run_until(crowd.now() + settings.measured);
  meter.stop();
  Figures figures;
  figures.add("sessions", settings.flows);
  figures.add("resident_before", static_cast<double>(meter.before().resident_bytes));
  meter.report(figures);
  return figures;
}

Figures run_leases(const Settings& settings) {
  LeaseLoad load(settings);
  load.add_stations(kFirst);
  load.crowd().run_until(load.crowd().now() + settings.warm_up);
  const Usage before = read_usage(settings.pid);
  load.add_stations(settings.flows);
  load.crowd().run_until(load.crowd().now() + settings.warm_up);
  Meter meter(settings.pid);
  meter.start();
  load.renewed = 0;
  const Instant end = load.crowd().now() + settings.measured;
  Pacer pacer(settings.rate, /*burst=*/1, load.crowd().now());
  while (load.crowd().now() < end) {
    while (pacer.take(load.crowd().now())) load.renew();
    load.crowd().turn(std::min(pacer.next(), end));
  }
  meter.stop();
  Figures figures;
  figures.add("renewed", static_cast<double>(load.renewed));
  figures.add("sessions", settings.flows);
  figures.add("resident_before", static_cast<double>(before.resident_bytes));
  meter.report(figures);
  return figures;
}

}  // namespace wgr::bench
