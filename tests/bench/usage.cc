#include "tests/bench/usage.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace wgr::bench {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().empty()) {
    std::fprintf(stderr, "cannot read %s: the measured process is gone\n", path.c_str());
    std::exit(1);
  }
  return text.str();
}

}  // namespace

Usage read_usage(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string stat = read_text(folder + "/stat");
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15, counted from the pid.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  unsigned long user_ticks = 0;
  unsigned long system_ticks = 0;
  fields >> user_ticks >> system_ticks;

  Usage usage;
  const auto per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.user_seconds = static_cast<double>(user_ticks) / per_second;
  usage.system_seconds = static_cast<double>(system_ticks) / per_second;
  const std::string status = read_text(folder + "/status");
  if (const std::size_t at = status.find("VmRSS:"); at != std::string::npos) {
    usage.resident_bytes = std::strtoull(status.c_str() + at + 6, nullptr, 10) * 1024;
  }
  return usage;
}

}  // namespace wgr::bench
