#include "tests/bench/scenario.h"

#include <unistd.h>

#include <cstdio>

namespace wgr::bench {

std::string Figures::to_json(const std::string& scenario) const {
  std::string text = "{\"scenario\": \"" + scenario + "\"";
  for (const auto& [name, value] : values_) {
    char number[64];
    std::snprintf(number, sizeof number, "%.9g", value);
    text += ", \"" + name + "\": " + number;
  }
  return text + "}";
}

pid_t Meter::own_pid() { return getpid(); }

void Meter::report(Figures& figures) const {
  figures.add("seconds", seconds());
  figures.add("user_seconds", after_.user_seconds - before_.user_seconds);
  figures.add("system_seconds", after_.system_seconds - before_.system_seconds);
  figures.add("cpu_seconds", cpu_seconds());
  figures.add("generator_cpu_seconds", own_after_.cpu_seconds() - own_before_.cpu_seconds());
  figures.add("resident_bytes", static_cast<double>(after_.resident_bytes));
}

}  // namespace wgr::bench
